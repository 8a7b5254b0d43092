#include "server/set_up.hpp"

#include "service/privileges.hpp"

#include <csignal>
#include <cstdlib>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace server {
namespace {

using config::Option;

void change_signals(int how) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGQUIT}) sigaddset(&set, signal);
  static_cast<void>(::pthread_sigmask(how, &set, nullptr));  // fails for wrong arguments only
}

}  // namespace

void hold_signals() { change_signals(SIG_BLOCK); }
void release_signals() { change_signals(SIG_UNBLOCK); }

base::Log open_log(const config::ImapdConf& conf, const std::string& service) {
  base::SyslogOptions options;
  // The prefix of the environment goes before the option's, as in the original.
  const char* from_environment = std::getenv("CYRUS_SYSLOG_PREFIX");
  const std::string prefix =
      from_environment != nullptr ? from_environment : std::string(conf.text(Option::syslog_prefix).value_or(""));
  options.ident = prefix.empty() ? service : prefix + "/" + service;
  options.facility = std::string(conf.text(Option::syslog_facility).value_or(""));
  options.debug = conf.is_on(Option::debug);
  return base::Log(base::syslog_sink(options));
}

void set_umask(const config::ImapdConf& conf) {
  unsigned mask = 0;
  bool any = false;
  for (const char c : conf.text(Option::umask).value_or("")) {
    if (c < '0' || c > '7') continue;
    mask = (mask << 3) | static_cast<unsigned>(c - '0');
    any = true;
  }
  ::umask(any ? mask & 0777U : 077U);
}

base::Result<void> drop_privileges(const config::ImapdConf& conf) {
  if (::geteuid() != 0) return {};
  const auto identity = service::find_identity(conf.text(Option::cyrus_user), conf.text(Option::cyrus_group));
  if (!identity) return tl::unexpected(identity.error());
  return service::become(*identity);
}

void raise_descriptor_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));  // best effort: accept() reports what is missing
}

}  // namespace server

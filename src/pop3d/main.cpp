// pop3d(8): reads the command line and imapd.conf(5), becomes the Cyrus user, builds what sessions need, and serves
// the port that master(8) handed down, or the one connection on standard input.

#include "base/log.hpp"
#include "net/signals.hpp"
#include "net/spawn.hpp"
#include "net/watch.hpp"
#include "pop3d/command_line.hpp"
#include "pop3d/server.hpp"
#include "pop3d/stdio_bridge.hpp"
#include "pop3d/wiring.hpp"
#include "service/environment.hpp"
#include "service/privileges.hpp"
#include "service/status.hpp"

#include <syslog.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <utility>

namespace pop3d {
namespace {

using config::Option;

/// One line to syslog and to standard error, for failures before and while the process is set up.
int refuse_to_start(const base::Log& log, int exit_code, const std::string& text) {
  log.error(text);
  std::fprintf(stderr, "pop3d: %s\n", base::printable(text).c_str());
  return exit_code;
}

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

/// What master and administrators send. Held back while the process starts: SIGHUP, whose default action is death, may
/// come at any moment, and a worker that dies of it counts as one that crashed.
sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGQUIT}) sigaddset(&set, signal);
  return set;
}

void change_signals(int how) {
  const sigset_t set = handled_signals();
  static_cast<void>(::pthread_sigmask(how, &set, nullptr));  // fails for wrong arguments only
}

/// imapd.conf(5) umask: the octal digits of the text, 077 when there are none.
mode_t umask_of(const config::ImapdConf& conf) {
  unsigned mask = 0;
  bool any = false;
  for (const char c : conf.text(Option::umask).value_or("")) {
    if (c < '0' || c > '7') continue;
    mask = (mask << 3) | static_cast<unsigned>(c - '0');
    any = true;
  }
  return any ? mask & 0777U : 077U;
}

/// Every session holds a socket and now and then a message file: take what the administrator allows.
void raise_descriptor_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));  // best effort: accept() reports what is missing
}

/// Started as root: becomes the Cyrus user for good. Started as anybody else: stays that.
base::Result<void> drop_privileges(const config::ImapdConf& conf) {
  if (::geteuid() != 0) return {};
  const auto identity = service::find_identity(conf.text(Option::cyrus_user), conf.text(Option::cyrus_group));
  if (!identity) return tl::unexpected(identity.error());
  return service::become(*identity);
}

struct Setup {
  const CommandLine& line;
  const config::ImapdConf& conf;
  const base::Log& log;
  auth::Authenticator& authenticator;
  std::shared_ptr<const Configured> configured;
};

/// The loop and what belongs to it. Built after all privileges are dropped: it starts threads.
class Runtime {
 public:
  explicit Runtime(const Setup& setup)
      : store_pool_(loop_, setup.configured->settings.store_threads, "store"),
        auth_pool_(loop_, setup.configured->settings.auth_threads, "auth"),
        names_(loop_),
        process_{loop_, setup.log, setup.authenticator, store_pool_, auth_pool_, names_} {}

  net::Loop& loop() { return loop_; }
  const Process& process() const { return process_; }

 private:
  net::Loop loop_{1};
  net::WorkerPool store_pool_;
  net::WorkerPool auth_pool_;
  ClientNames names_;
  Process process_;
};

net::Task<void> serve_one(Runtime& runtime, const Setup& setup, net::Accepted client) {
  SessionIds ids;
  Session session(runtime.process(), setup.configured, std::move(client),
                  ids.next(setup.configured->settings.session_id_base));
  co_await session.serve();
  runtime.loop().stop();
}

int serve_stdio(const Setup& setup) {
  auto bridge = StdioBridge::open();
  if (!bridge) return refuse_to_start(setup.log, EX_IOERR, bridge.error().text);
  auto socket = bridge->take_socket();
  auto peer = net::peer_of(socket.value());
  auto local = net::local_of(socket.value());
  {
    Runtime runtime(setup);
    net::Accepted client(std::move(socket), std::move(peer), std::move(local));
    net::spawn(runtime.loop(), serve_one(runtime, setup, std::move(client)));
    runtime.loop().run();
  }
  bridge->finish();
  return EX_OK;
}

// A reload that fails leaves everything as it was: the old configuration is known to work.
net::Task<void> reload(Runtime& runtime, const Setup& setup, Server& server) {
  auto work = [&setup]() -> base::Result<std::shared_ptr<const Configured>> {
    auto conf = config::ImapdConf::load(setup.line.config_file, setup.conf.service());
    if (!conf) return tl::unexpected(conf.error());
    return configure(*conf, setup.line, setup.log);
  };
  auto configured = co_await runtime.process().store_pool.run(std::move(work));
  if (!configured) {
    setup.log.error("reload refused, the old configuration stays: " + configured.error().text);
    co_return;
  }
  server.reconfigure(std::move(*configured));
  setup.log.notice("configuration and certificates reloaded");
}

net::Task<void> handle_signals(Runtime& runtime, const Setup& setup, Server& server) {
  net::Signals signals(runtime.loop(), {SIGHUP, SIGTERM, SIGINT, SIGQUIT});
  change_signals(SIG_UNBLOCK);
  for (;;) {
    const int signal = co_await signals.next();
    if (signal == SIGHUP) {
      server.make_room_for_new_program();
      co_await reload(runtime, setup, server);
    } else {
      setup.log.info("graceful shutdown");
      server.drain(Drain::stopped);
    }
  }
}

net::Task<void> watch_master(Runtime& runtime, const Setup& setup, Server& server) {
  co_await net::wait_for_hangup(runtime.loop(), service::kStatusFd);
  setup.log.warning("master is gone: no more connections are taken");
  server.drain(Drain::master_gone);
}

net::Task<void> run_server(Runtime& runtime, Server& server, Drain& outcome) {
  outcome = co_await server.run();
  runtime.loop().stop();
}

int serve_port(const Setup& setup) {
  service::announce_fatal_signals(service::kStatusFd);
  Runtime runtime(setup);
  net::Listener listener(runtime.loop(), base::UniqueFd(service::kListenFd));
  Server server(runtime.process(), setup.configured, setup.line, listener, service::StatusPipe(service::kStatusFd));
  Drain outcome = Drain::none;
  net::spawn(runtime.loop(), handle_signals(runtime, setup, server));
  net::spawn(runtime.loop(), watch_master(runtime, setup, server));
  net::spawn(runtime.loop(), run_server(runtime, server, outcome));
  runtime.loop().run();
  return outcome == Drain::stopped ? EX_TEMPFAIL : EX_OK;
}

int run(int argc, char** argv) {
  change_signals(SIG_BLOCK);
  const base::Log early(base::syslog_sink({.ident = "pop3d", .facility = "user", .debug = false, .to_stderr = false}));
  const auto line = parse_command_line({const_cast<const char* const*>(argv) + 1, static_cast<std::size_t>(argc - 1)});
  if (!line) return refuse_to_start(early, EX_USAGE, line.error() + "; " + usage());

  const bool stdio = line->stdio || (std::getenv("CYRUS_SERVICE") == nullptr && stdin_is_connection());
  auto environment = service::read_environment();
  if (!environment) {
    if (!stdio) return refuse_to_start(early, EX_SOFTWARE, environment.error().text);
    environment.emplace();
    environment->name = line->implicit_tls ? "pop3s" : "pop3";
  }

  const auto conf = config::ImapdConf::load(line->config_file, environment->name);
  if (!conf) return refuse_to_start(early, EX_CONFIG, conf.error().text);
  const base::Log log = open_log(*conf, environment->name);
  // A file that serves all of Cyrus names many options that mean nothing here: not worth a warning at each start.
  for (const std::string& warning : conf->warnings()) log.info(warning);
  for (const std::string& operand : line->ignored) log.warning("operand without meaning ignored: " + operand);
  if (line->proxy_header) {
    return refuse_to_start(log, EX_CONFIG, "option -H: the PROXY protocol is not supported yet");
  }

  ::umask(umask_of(*conf));
  ::signal(SIGPIPE, SIG_IGN);
  if (const auto user = drop_privileges(*conf); !user) return refuse_to_start(log, EX_USAGE, user.error().text);
  raise_descriptor_limit();

  auto configured = configure(*conf, *line, log);
  if (!configured) return refuse_to_start(log, EX_CONFIG, configured.error().text);
  auto authenticator = auth::Authenticator::create(*conf, log);
  if (!authenticator) return refuse_to_start(log, EX_CONFIG, authenticator.error().text);

  const Setup setup{*line, *conf, log, **authenticator, std::move(*configured)};
  if (stdio) change_signals(SIG_UNBLOCK);
  return stdio ? serve_stdio(setup) : serve_port(setup);
}

}  // namespace
}  // namespace pop3d

int main(int argc, char** argv) {
  try {
    return pop3d::run(argc, argv);
  } catch (const std::exception& error) {
    ::syslog(LOG_ERR, "cannot go on: %s", error.what());
    std::fprintf(stderr, "pop3d: cannot go on: %s\n", error.what());
    return EX_SOFTWARE;
  }
}

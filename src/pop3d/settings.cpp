#include "pop3d/settings.hpp"

#include "server/conf_values.hpp"
#include "server/tls_options.hpp"

#include <algorithm>
#include <filesystem>

namespace pop3d {
namespace {

using config::Option;

/// RFC 1939 s3: the autologout timer runs for at least ten minutes.
constexpr std::chrono::seconds kLeastIdleTimeout{600};

pop3::ServerInfo server_info(std::string_view word) {
  if (word == "off") return pop3::ServerInfo::off;
  if (word == "min") return pop3::ServerInfo::min;
  return pop3::ServerInfo::on;
}

}  // namespace

base::Result<Settings> settings(const config::ImapdConf& conf, const CommandLine& line) {
  const bool tls = server::tls_is_configured(conf);
  if (line.implicit_tls && !tls) {
    return base::fail(base::Errc::invalid,
                      conf.file().native() + ": option -s needs tls_server_cert and tls_server_key");
  }
  Settings out;
  out.server_name = server::server_name(conf);
  out.server_info = server_info(conf.choice(Option::serverinfo));
  out.session_id_base = server::session_id_base(conf);
  out.implicit_tls = line.implicit_tls;
  out.login_rules.stls_offered = tls && conf.is_on(Option::allowstarttls);
  out.login_rules.tls_required = conf.is_on(Option::tls_required);
  out.login_rules.allow_plaintext = conf.is_on(Option::allowplaintext);
  out.login_rules.external_ssf = line.external_ssf;
  out.login_rules.hierarchy_dot = !conf.is_on(Option::unixhierarchysep);
  out.login_rules.virtual_domains = conf.choice(Option::virtdomains) != "off";
  out.login_rules.subfolders = conf.is_on(Option::popsubfolders);
  out.idle_timeout = std::max(conf.duration(Option::poptimeout), kLeastIdleTimeout);
  out.login_deadline = std::max(conf.duration(Option::pop3_login_deadline), std::chrono::seconds(1));
  out.failed_login_pause = std::max(conf.duration(Option::failedloginpause), std::chrono::seconds(0));
  out.plaintext_login_pause = std::max(conf.duration(Option::plaintextloginpause), std::chrono::seconds(0));
  out.lock_timeout = std::max(conf.duration(Option::pop3_lock_timeout), std::chrono::seconds(0));
  out.drain_timeout = std::max(conf.duration(Option::pop3_drain_timeout), std::chrono::seconds(0));
  out.bad_commands = static_cast<unsigned>(std::max(conf.integer(Option::pop3_bad_commands), 0));
  out.leaves_vanished = conf.is_on(Option::disconnect_on_vanished_mailbox);
  out.read_only = conf.is_on(Option::readonly);
  out.log_format = server::log_format(conf);
  out.audit_traffic = conf.is_on(Option::auditlog);
  out.audit_messages = conf.is_on(Option::pop3_audit);
  out.chatty = conf.is_on(Option::chatty);
  out.login_delay = static_cast<unsigned>(std::max<std::int64_t>(conf.duration(Option::popminpoll).count(), 0));
  if (const auto expire = conf.duration(Option::popexpiretime); expire.count() >= 0) {
    out.expire_days = static_cast<unsigned>(expire / std::chrono::days(1));
  }
  out.max_sessions = server::at_least_one(conf.integer(Option::pop3_sessions_per_process));
  out.service = conf.service();
  out.telemetry_by_session_id = conf.is_on(Option::telemetry_bysessionid);
  if (const auto directory = conf.text(Option::configdirectory)) {
    out.telemetry_directory = std::filesystem::path(*directory) / "log";
    out.shutdown_directory = std::filesystem::path(*directory) / "msg";
    out.login_table = std::filesystem::path(*directory) / "pillarbox" / ("logins." + server::file_name(out.service));
  }
  // Cyrus signals the processes that it finds there: one that serves many users must not be found.
  if (out.max_sessions == 1) out.proc_directory = conf.text(Option::proc_path).value_or("");
  out.login_limits.per_user = conf.integer(Option::maxlogins_per_user);
  out.login_limits.per_host = conf.integer(Option::maxlogins_per_host);
  out.all_proc_directory = conf.text(Option::proc_path).value_or("");
  out.store_threads = server::at_least_one(conf.integer(Option::pop3_store_threads));
  out.auth_threads = server::at_least_one(conf.integer(Option::pop3_auth_threads));
  out.auth_timeout = std::max(conf.duration(Option::pop3_auth_timeout), std::chrono::seconds(1));
  return out;
}

}  // namespace pop3d

#include "lmtpd/settings.hpp"

#include "server/conf_values.hpp"
#include "server/tls_options.hpp"
#include "server/version.hpp"

#include <algorithm>
#include <filesystem>

namespace lmtpd {

using config::Option;

Settings settings(const config::ImapdConf& conf, const CommandLine& line) {
  Settings out;
  out.rules.server_name = server::server_name(conf);
  out.rules.trusted = line.trusted;
  out.rules.starttls_offered = server::tls_is_configured(conf) && conf.is_on(Option::allowstarttls);
  out.rules.tls_required = conf.is_on(Option::tls_required);
  out.rules.soft_noauth = conf.is_on(Option::soft_noauth);
  out.rules.strict_paths = conf.is_on(Option::lmtp_strict_rfc2821);
  out.rules.max_octets = static_cast<std::uint64_t>(std::max<std::int64_t>(conf.byte_size(Option::maxmessagesize), 0));
  out.recipients.fold_case = conf.is_on(Option::lmtp_downcase_rcpt);
  out.recipients.virtual_domains = conf.choice(Option::virtdomains) != "off";
  out.recipients.default_domain = conf.text(Option::defaultdomain).value_or("");
  out.recipients.post_user = conf.text(Option::postuser).value_or("");
  if (conf.choice(Option::serverinfo) == "on") out.software = server::kVersion;
  out.session_id_base = server::session_id_base(conf);
  out.admins = conf.text(Option::admins).value_or("");
  if (const auto more = conf.find("lmtp_admins")) out.admins += " " + std::string(*more);
  out.unix_groups = conf.is_on(Option::unix_group_enable);
  out.over_quota_always = conf.is_on(Option::lmtp_over_quota_perm_failure);
  out.create_for_known = conf.is_on(Option::lmtp_autocreate_known_users);
  out.fuzzy_folders = conf.is_on(Option::lmtp_fuzzy_mailbox_match);
  out.catch_all_user = conf.text(Option::lmtp_catchall_mailbox).value_or("");
  out.reject_8bit = conf.is_on(Option::reject8bit);
  out.munge_8bit = conf.is_on(Option::munge8bit);
  out.failed_login_pause = std::max(conf.duration(Option::failedloginpause), std::chrono::seconds(0));
  out.lock_timeout = std::max(conf.duration(Option::lmtp_lock_timeout), std::chrono::seconds(0));
  out.drain_timeout = std::max(conf.duration(Option::lmtp_drain_timeout), std::chrono::seconds(0));
  out.max_sessions = server::at_least_one(conf.integer(Option::lmtp_sessions_per_process));
  out.service = conf.service();
  if (const auto directory = conf.text(Option::configdirectory)) {
    out.shutdown_directory = std::filesystem::path(*directory) / "msg";
  }
  // Cyrus signals the processes that it finds there: one that serves many clients must not be found.
  if (out.max_sessions == 1) out.proc_directory = conf.text(Option::proc_path).value_or("");
  out.store_threads = server::at_least_one(conf.integer(Option::lmtp_store_threads));
  out.auth_threads = server::at_least_one(conf.integer(Option::lmtp_auth_threads));
  out.auth_timeout = std::max(conf.duration(Option::lmtp_auth_timeout), std::chrono::seconds(1));
  return out;
}

}  // namespace lmtpd

#pragma once

#include "config/imapd_conf.hpp"
#include "lmtp/conversation.hpp"
#include "lmtpd/command_line.hpp"
#include "lmtpd/recipient.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace lmtpd {

/// What sessions and engine need of command line and imapd.conf(5), as plain values. Options in brackets.
struct Settings {
  lmtp::Rules rules;  ///< as on a fresh connection, but for what depends on the client
  RecipientRules recipients;
  std::string software;                        ///< how we name ourselves; empty: [serverinfo] says not to
  std::string session_id_base;                 ///< [syslog_prefix], else the server's name
  std::string admins;                          ///< [admins] and [lmtp_admins]: who may log in
  bool unix_groups = true;                     ///< [unix_group_enable], for admins
  bool over_quota_always = false;              ///< [lmtp_over_quota_perm_failure]
  bool fuzzy_folders = false;                  ///< [lmtp_fuzzy_mailbox_match]
  bool create_for_known = false;               ///< [lmtp_autocreate_known_users]
  std::string catch_all_user;                  ///< [lmtp_catchall_mailbox]; empty: none
  bool reject_8bit = false;                    ///< [reject8bit]
  bool munge_8bit = true;                      ///< [munge8bit]
  std::chrono::seconds failed_login_pause{3};  ///< [failedloginpause]
  std::chrono::seconds lock_timeout{30};       ///< [lmtp_lock_timeout]
  std::chrono::seconds drain_timeout{60};      ///< [lmtp_drain_timeout]
  std::size_t max_sessions = 1000;             ///< [lmtp_sessions_per_process]
  std::string service;                         ///< the name in cyrus.conf
  std::string shutdown_directory;              ///< msg in [configdirectory]; "": none
  std::string proc_directory;                  ///< [proc_path] for one session a process, else ""
  std::size_t store_threads = 8;               ///< [lmtp_store_threads]
  std::size_t auth_threads = 2;                ///< [lmtp_auth_threads]
  std::chrono::seconds auth_timeout{30};       ///< [lmtp_auth_timeout]
};

Settings settings(const config::ImapdConf& conf, const CommandLine& line);

}  // namespace lmtpd

#pragma once

#include "config/imapd_conf.hpp"
#include "pop3/capabilities.hpp"
#include "pop3d/command_line.hpp"
#include "server/login_log.hpp"
#include "server/login_table.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace pop3d {

/// What sessions and server need of command line and imapd.conf(5), as plain values. Options in brackets.
struct Settings {
  std::string server_name;                              ///< [servername], else the host's name
  pop3::ServerInfo server_info = pop3::ServerInfo::on;  ///< [serverinfo]
  std::string session_id_base;                          ///< [syslog_prefix], else server_name
  bool implicit_tls = false;                            ///< -s
  pop3::LoginRules login_rules;                         ///< as on a fresh connection
  std::chrono::seconds idle_timeout{600};               ///< [poptimeout], at least ten minutes (RFC 1939 s3)
  std::chrono::seconds login_deadline{180};             ///< [pop3_login_deadline]
  std::chrono::seconds failed_login_pause{3};           ///< [failedloginpause]
  std::chrono::seconds plaintext_login_pause{0};        ///< [plaintextloginpause]
  std::chrono::seconds lock_timeout{30};                ///< [pop3_lock_timeout]
  std::chrono::seconds drain_timeout{60};               ///< [pop3_drain_timeout]
  unsigned bad_commands = 50;                           ///< [pop3_bad_commands]; 0: no limit
  bool leaves_vanished = false;                         ///< [disconnect_on_vanished_mailbox]
  bool read_only = false;                               ///< [readonly]
  server::LogFormat log_format{};                       ///< [log_format]
  bool audit_traffic = false;                           ///< [auditlog]
  bool audit_messages = false;                          ///< [pop3_audit]
  bool chatty = false;                                  ///< [chatty]
  std::string telemetry_directory;                      ///< log/ in [configdirectory]
  bool telemetry_by_session_id = false;                 ///< [telemetry_bysessionid]
  unsigned login_delay = 0;                             ///< [popminpoll], in seconds
  std::optional<unsigned> expire_days;                  ///< [popexpiretime]; nullopt: never
  std::size_t max_sessions = 1000;                      ///< [pop3_sessions_per_process]
  std::string service;                                  ///< the name in cyrus.conf
  std::string proc_directory;                           ///< [proc_path] for one session a process, else ""
  std::string shutdown_directory;                       ///< msg in [configdirectory]; "": none
  server::LoginLimits login_limits;                     ///< [maxlogins_per_user], [maxlogins_per_host]
  std::string login_table;                              ///< the file that counts logins
  std::string all_proc_directory;                       ///< [proc_path], however many sessions a process serves
  std::size_t store_threads = 8;                        ///< [pop3_store_threads]
  std::size_t auth_threads = 4;                         ///< [pop3_auth_threads]
  std::chrono::seconds auth_timeout{30};                ///< [pop3_auth_timeout]
};

/// Picks them. Errors: invalid (TLS was asked for with -s and there is no certificate).
base::Result<Settings> settings(const config::ImapdConf& conf, const CommandLine& line);

}  // namespace pop3d

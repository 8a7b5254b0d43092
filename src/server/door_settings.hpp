#pragma once

#include "base/result.hpp"
#include "config/imapd_conf.hpp"
#include "net/ip_address.hpp"
#include "net/keep_alive.hpp"
#include "server/crowd.hpp"
#include "server/penalties.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace server {

/// Who may come in, and how. Options of imapd.conf(5) in brackets.
struct DoorSettings {
  std::string service;                    ///< the name in cyrus.conf, and so in hosts.allow
  net::KeepAlive keep_alive;              ///< [tcp_keepalive] and those that begin like it
  bool proxy_header = false;              ///< -H: each connection begins with a PROXY header
  net::Networks proxies;                  ///< [proxy_protocol_networks]: who may send one; Unix sockets always may
  std::chrono::seconds proxy_timeout{5};  ///< [proxy_protocol_timeout]: for the whole header
  bool proxy_tls_counts = false;          ///< [proxy_protocol_tls]
  net::Networks exempt;                   ///< [abuse_exempt_networks]: neither limited nor delayed
  Crowd::Limits strangers;                ///< [prelogin_connections_per_address], [prelogin_connections]
  unsigned failures_per_connection = 20;  ///< [failed_logins_per_connection]; 0: no limit
  std::shared_ptr<Penalties> penalties;   ///< [failed_login_penalty], [failed_login_penalty_after]; null: none
};

/// Picks them. Errors: invalid (names file and option).
base::Result<DoorSettings> door_settings(const config::ImapdConf& conf, bool proxy_header);

}  // namespace server

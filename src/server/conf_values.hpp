#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "config/imapd_conf.hpp"
#include "net/tls_context.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

/// What every service reads from imapd.conf(5) in the same way.
namespace server {

/// servername, else the host's name.
std::string server_name(const config::ImapdConf& conf);

/// What the ids of sessions begin with: syslog_prefix, else the server's name; cut to a bearable length.
std::string session_id_base(const config::ImapdConf& conf);

/// A count of threads or sessions: no less than one.
std::size_t at_least_one(int value);

/// True when both certificate and key are configured and not "disabled".
bool tls_is_configured(const config::ImapdConf& conf);

/// The context of the configured certificate; null when none is. `protocol` is the ALPN name of what the service
/// speaks. Its warnings go to `log`. Blocks on disk. Errors name file and option.
base::Result<std::unique_ptr<net::TlsContext>> tls_context(const config::ImapdConf& conf, std::string_view protocol,
                                                           const base::Log& log);

}  // namespace server

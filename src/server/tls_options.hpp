#pragma once

#include "base/log.hpp"
#include "config/imapd_conf.hpp"
#include "net/tls_source.hpp"

#include <memory>
#include <string_view>

/// What the tls_ options of imapd.conf(5) mean for a service; doc/tls.md tells it to administrators.
namespace server {

/// True when both certificate and key are configured and not "disabled".
bool tls_is_configured(const config::ImapdConf& conf);

/// `protocol` is the ALPN name of what the service speaks; "": it has none.
net::TlsOptions tls_options(const config::ImapdConf& conf, std::string_view protocol);

/// The TLS set-up that sessions take their context from; null when no certificate is configured. Files that are bad now
/// are a line in the log, and a source without a context until they are good: what needs no TLS goes on. Blocks on
/// disk; `log` outlives the source.
std::shared_ptr<net::TlsSource> tls_source(const config::ImapdConf& conf, std::string_view protocol,
                                           const base::Log& log);

}  // namespace server

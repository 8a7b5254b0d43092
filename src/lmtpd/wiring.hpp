#pragma once

#include "base/log.hpp"
#include "cyrus/delivery.hpp"
#include "lmtpd/settings.hpp"
#include "net/tls_source.hpp"

#include <memory>

namespace lmtpd {

/// What one reading of the configuration made. Never changed: a reload makes a new one, and sessions under way keep
/// theirs until they end.
struct Configured {
  Settings settings;
  cyrus::StoreConfig store;
  std::unique_ptr<cyrus::Delivery> delivery;
  std::shared_ptr<net::TlsSource> tls;  ///< null: no certificate is configured
};

/// Reads the files that `conf` names. Blocks on disk. Errors name file and option.
base::Result<std::shared_ptr<const Configured>> configure(const config::ImapdConf& conf, const CommandLine& line,
                                                          const base::Log& log);

}  // namespace lmtpd

#pragma once

#include "base/log.hpp"
#include "cyrus/store.hpp"
#include "cyrus/user_deny_db.hpp"
#include "net/tls_source.hpp"
#include "pop3d/settings.hpp"

#include <memory>

namespace pop3d {

/// What one reading of the configuration made. Never changed: a reload makes a new one, and sessions under way keep
/// theirs until they end.
struct Configured {
  Settings settings;
  std::unique_ptr<cyrus::Store> store;
  cyrus::UserDenyDb user_deny;
  std::shared_ptr<net::TlsSource> tls;         ///< null: no certificate is configured
  std::unique_ptr<server::LoginTable> logins;  ///< null: nothing limits them
};

/// Reads the files that `conf` names. Blocks on disk. Errors name file and option.
base::Result<std::shared_ptr<const Configured>> configure(const config::ImapdConf& conf, const CommandLine& line,
                                                          const base::Log& log);

}  // namespace pop3d

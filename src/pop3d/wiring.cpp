#include "pop3d/wiring.hpp"

#include "cyrus/store_config.hpp"
#include "server/tls_options.hpp"

namespace pop3d {

base::Result<std::shared_ptr<const Configured>> configure(const config::ImapdConf& conf, const CommandLine& line,
                                                          const base::Log& log) {
  auto out = std::make_shared<Configured>();
  auto picked = settings(conf, line);
  if (!picked) return tl::unexpected(picked.error());
  out->settings = std::move(*picked);

  auto store = cyrus::store_config(conf);
  if (!store) return tl::unexpected(store.error());
  out->store = std::make_unique<cyrus::Store>(std::move(*store), log);

  const Settings& made = out->settings;
  if (made.login_limits.any() && !made.login_table.empty()) {
    out->logins = std::make_unique<server::LoginTable>(made.login_table, made.all_proc_directory, made.service,
                                                       made.login_limits);
  }

  auto user_deny = cyrus::UserDenyDb::configured(conf);
  if (!user_deny) return tl::unexpected(user_deny.error());
  out->user_deny = *std::move(user_deny);

  out->tls = server::tls_source(conf, "pop3", log);
  if (out->settings.implicit_tls && !out->tls->context()) {
    return base::fail(base::Errc::invalid, "option -s: " + out->tls->trouble());
  }
  return out;
}

}  // namespace pop3d

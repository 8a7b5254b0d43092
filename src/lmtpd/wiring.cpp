#include "lmtpd/wiring.hpp"

#include "server/tls_options.hpp"

#include <utility>

namespace lmtpd {

base::Result<std::shared_ptr<const Configured>> configure(const config::ImapdConf& conf, const CommandLine& line,
                                                          const base::Log& log) {
  auto out = std::make_shared<Configured>();
  out->settings = settings(conf, line);

  auto store = cyrus::store_config(conf);
  if (!store) return tl::unexpected(store.error());
  out->store = std::move(*store);
  out->delivery = std::make_unique<cyrus::Delivery>(out->store, log);

  out->tls = server::tls_source(conf, "", log);  // no protocol name is registered for LMTP
  return out;
}

}  // namespace lmtpd

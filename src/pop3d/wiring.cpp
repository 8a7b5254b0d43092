#include "pop3d/wiring.hpp"

#include "cyrus/store_config.hpp"

namespace pop3d {
namespace {

using config::Option;

net::TlsOptions tls_options(const config::ImapdConf& conf) {
  net::TlsOptions out;
  out.certificate_file = conf.text(Option::tls_server_cert).value_or("");
  out.key_file = conf.text(Option::tls_server_key).value_or("");
  out.versions = conf.text(Option::tls_versions).value_or(out.versions);
  out.ciphers = conf.text(Option::tls_ciphers).value_or(out.ciphers);
  // Most clients offer X25519 first: with prime256v1 alone, Cyrus's default, each handshake costs them a round trip
  // more.
  out.curve = conf.is_set(Option::tls_eccurve) ? conf.text(Option::tls_eccurve).value_or("") : "X25519:prime256v1";
  out.prefer_server_ciphers = conf.is_on(Option::tls_prefer_server_ciphers);
  const std::string_view asked = conf.choice(Option::tls_client_certs);
  out.client_certificates = asked == "off"       ? net::ClientCertificates::off
                            : asked == "require" ? net::ClientCertificates::require
                                                 : net::ClientCertificates::optional;
  out.client_ca_file = conf.text(Option::tls_client_ca_file).value_or("");
  out.client_ca_dir = conf.text(Option::tls_client_ca_dir).value_or("");
  out.crl_file = conf.text(Option::tls_crl_file).value_or("");
  return out;
}

}  // namespace

base::Result<std::shared_ptr<const Configured>> configure(const config::ImapdConf& conf, const CommandLine& line,
                                                          const base::Log& log) {
  auto out = std::make_shared<Configured>();
  auto picked = settings(conf, line);
  if (!picked) return tl::unexpected(picked.error());
  out->settings = std::move(*picked);

  auto store = cyrus::store_config(conf);
  if (!store) return tl::unexpected(store.error());
  out->store = std::make_unique<cyrus::Store>(std::move(*store), log);

  if (tls_is_configured(conf)) {
    auto tls = net::TlsContext::create(tls_options(conf));
    if (!tls) return tl::unexpected(tls.error());
    for (const std::string& warning : (*tls)->warnings()) log.warning("TLS: " + warning);
    out->tls = std::move(*tls);
  }
  return out;
}

}  // namespace pop3d

#include "server/tls_options.hpp"

#include "server/conf_values.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace server {
namespace {

using config::Option;

bool names_a_file(std::optional<std::string_view> value) { return value && !value->empty() && *value != "disabled"; }

net::ClientCertificates client_certificates(std::string_view word) {
  if (word == "off") return net::ClientCertificates::off;
  return word == "require" ? net::ClientCertificates::require : net::ClientCertificates::optional;
}

std::string ticket_key_file(const config::ImapdConf& conf) {
  const auto directory = conf.text(Option::configdirectory);
  if (!directory) return {};
  return std::filesystem::path(*directory) / "pillarbox" / ("tls_tickets." + file_name(conf.service()));
}

}  // namespace

bool tls_is_configured(const config::ImapdConf& conf) {
  return names_a_file(conf.text(Option::tls_server_cert)) && names_a_file(conf.text(Option::tls_server_key));
}

net::TlsOptions tls_options(const config::ImapdConf& conf, std::string_view protocol) {
  const auto text = [&conf](Option option) { return std::string(conf.text(option).value_or("")); };
  net::TlsOptions out;
  out.protocol = protocol;
  out.certificate_file = text(Option::tls_server_cert);
  out.key_file = text(Option::tls_server_key);
  out.named_certificates = text(Option::tls_sni_certs);
  out.versions = text(Option::tls_versions);
  out.ciphers = text(Option::tls_ciphers);
  // Most clients offer X25519 first: with prime256v1 alone, Cyrus's default, each handshake costs them a round trip
  // more.
  out.curve = conf.is_set(Option::tls_eccurve) ? text(Option::tls_eccurve) : "X25519:prime256v1";
  out.prefer_server_ciphers = conf.is_on(Option::tls_prefer_server_ciphers);
  out.client_certificates = client_certificates(conf.choice(Option::tls_client_certs));
  out.client_ca_file = text(Option::tls_client_ca_file);
  out.client_ca_dir = text(Option::tls_client_ca_dir);
  out.crl_file = text(Option::tls_crl_file);
  out.session_lifetime = conf.duration(Option::tls_session_timeout);
  out.ticket_key_file = ticket_key_file(conf);
  out.watch_interval = conf.duration(Option::tls_watch_interval);
  return out;
}

std::shared_ptr<net::TlsSource> tls_source(const config::ImapdConf& conf, std::string_view protocol,
                                           const base::Log& log) {
  if (!tls_is_configured(conf)) return nullptr;
  return net::TlsSource::create(tls_options(conf, protocol), log);
}

}  // namespace server

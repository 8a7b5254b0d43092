#include "server/conf_values.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <unistd.h>

namespace server {
namespace {

using config::Option;

constexpr std::size_t kMaxIdBase = 128;

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

bool names_a_file(std::optional<std::string_view> value) { return value && !value->empty() && *value != "disabled"; }

}  // namespace

std::string server_name(const config::ImapdConf& conf) {
  const auto name = conf.text(Option::servername);
  return name ? std::string(*name) : host_name();
}

std::string session_id_base(const config::ImapdConf& conf) {
  const auto prefix = conf.text(Option::syslog_prefix);
  return (prefix ? std::string(*prefix) : server_name(conf)).substr(0, kMaxIdBase);
}

std::size_t at_least_one(int value) { return static_cast<std::size_t>(std::max(value, 1)); }

bool tls_is_configured(const config::ImapdConf& conf) {
  return names_a_file(conf.text(Option::tls_server_cert)) && names_a_file(conf.text(Option::tls_server_key));
}

base::Result<std::unique_ptr<net::TlsContext>> tls_context(const config::ImapdConf& conf, std::string_view protocol,
                                                           const base::Log& log) {
  if (!tls_is_configured(conf)) return std::unique_ptr<net::TlsContext>();
  net::TlsOptions out;
  out.protocol = protocol;
  out.certificate_file = conf.text(Option::tls_server_cert).value_or("");
  out.key_file = conf.text(Option::tls_server_key).value_or("");
  out.named_certificates = conf.text(Option::tls_sni_certs).value_or("");
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
  auto context = net::TlsContext::create(out);
  if (!context) return tl::unexpected(context.error());
  for (const std::string& warning : (*context)->warnings()) log.warning("TLS: " + warning);
  return std::move(*context);
}

}  // namespace server

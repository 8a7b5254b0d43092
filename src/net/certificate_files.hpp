#pragma once

#include "base/result.hpp"
#include "net/tls_options.hpp"

#include <string>
#include <vector>

namespace net {

/// Where a certificate with its chain and its key come from. The options are named in errors.
struct CertificateFiles {
  std::string certificate;
  std::string key;
  const char* certificate_option = "tls_server_cert";
  const char* key_option = "tls_server_key";
};

/// Certificates beside those of tls_server_cert: a bound, so that a typing error is no flood.
inline constexpr std::size_t kMaxNamedCertificates = 1000;

/// What tls_server_cert and tls_server_key name, in their order. Errors: not as many keys as certificates.
base::Result<std::vector<CertificateFiles>> default_certificate_files(const TlsOptions& options);
/// What tls_sni_certs names: `CERTIFICATE KEY, CERTIFICATE KEY`. Errors: an entry that is no pair; too many.
base::Result<std::vector<CertificateFiles>> named_certificate_files(const TlsOptions& options);

}  // namespace net

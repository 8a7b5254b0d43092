#include "net/server_certificate.hpp"

#include "base/ascii.hpp"
#include "net/openssl_error.hpp"
#include "net/pem_file.hpp"
#include "net/setup_digest.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <utility>

namespace net {
namespace {

using base::Errc;
using base::fail;
using base::Result;

constexpr std::time_t kSoon = 14 * 24 * 3600;

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

std::string lower_text(const ASN1_STRING* string) {
  const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(string));
  return base::ascii::lower(std::string_view(data, static_cast<std::size_t>(ASN1_STRING_length(string))));
}

}  // namespace

ServerCertificate::ServerCertificate(std::string file, X509Ptr certificate, KeyPtr key, X509Stack chain)
    : file_(std::move(file)), certificate_(std::move(certificate)), key_(std::move(key)), chain_(std::move(chain)) {
  SetupDigest digest;
  digest.add(certificate_.get());
  digest_ = digest.value();
}

Result<ServerCertificate> ServerCertificate::load(const CertificateFiles& files) {
  auto certificates = read_certificates(files.certificate_option, files.certificate);
  if (!certificates) return tl::unexpected(certificates.error());
  auto key = read_private_key(files.key_option, files.key);
  if (!key) return tl::unexpected(key.error());
  ERR_clear_error();
  const bool match = X509_check_private_key(certificates->front().get(), key->get()) == 1;
  ERR_clear_error();
  if (!match)
    return option_error(files.key_option, files.key, "does not belong to the certificate in " + files.certificate);
  X509Stack chain(sk_X509_new_null());
  if (!chain) return fail(Errc::io, "TLS: out of memory");
  for (auto issuer = certificates->begin() + 1; issuer != certificates->end(); ++issuer) {
    if (sk_X509_push(chain.get(), issuer->get()) == 0) return fail(Errc::io, "TLS: out of memory");
    static_cast<void>(issuer->release());  // the stack owns it now
  }
  return ServerCertificate(files.certificate, std::move(certificates->front()), std::move(*key), std::move(chain));
}

// RFC 9525 s6.3: the CN counts only where there is no DNS name, and there for old certificates only.
std::vector<std::string> ServerCertificate::names() const {
  std::vector<std::string> out;
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) out.push_back(lower_text(name->d.dNSName));
  }
  ERR_clear_error();
  if (!out.empty()) return out;
  const X509_NAME* const subject = X509_get_subject_name(certificate());
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) out.push_back(lower_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  return out;
}

std::optional<std::string> ServerCertificate::validity_warning(std::time_t now) const {
  std::time_t soon = now + kSoon;
  if (X509_cmp_time(X509_get0_notAfter(certificate()), &now) < 0) return file_ + ": the certificate has expired";
  if (X509_cmp_time(X509_get0_notBefore(certificate()), &now) > 0) return file_ + ": the certificate is not valid yet";
  if (X509_cmp_time(X509_get0_notAfter(certificate()), &soon) < 0) {
    return file_ + ": the certificate expires within two weeks";
  }
  return std::nullopt;
}

}  // namespace net

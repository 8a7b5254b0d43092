#pragma once

#include "base/result.hpp"
#include "net/certificate_files.hpp"
#include "net/openssl_ptr.hpp"

#include <ctime>
#include <optional>
#include <string>
#include <vector>

namespace net {

/// One certificate of ours with chain and key, which belong together.
class ServerCertificate {
 public:
  /// Blocks on disk. Errors name the file and the option.
  static base::Result<ServerCertificate> load(const CertificateFiles& files);

  X509* certificate() const noexcept { return certificate_.get(); }
  EVP_PKEY* key() const noexcept { return key_.get(); }
  STACK_OF(X509) * chain() const noexcept { return chain_.get(); }

  /// The host names that it is good for, in lower case: its DNS subjectAltNames, else its CN.
  std::vector<std::string> names() const;
  /// 32 octets (SHA-256) that no other certificate has.
  const std::string& digest() const noexcept { return digest_; }
  /// Where it was read from.
  const std::string& file() const noexcept { return file_; }
  /// What an administrator should hear about its validity at `now`: over, not begun, or over within two weeks.
  std::optional<std::string> validity_warning(std::time_t now) const;

 private:
  ServerCertificate(std::string file, X509Ptr certificate, KeyPtr key, X509Stack chain);

  std::string file_;
  X509Ptr certificate_;
  KeyPtr key_;
  X509Stack chain_;
  std::string digest_;
};

}  // namespace net

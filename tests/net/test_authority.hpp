#pragma once

#include <openssl/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace net::testing {

/// What a test wants to stand in a certificate.
struct CertificateRequest {
  std::vector<std::string> common_names;  ///< any octets
  std::vector<std::string> dns_names;
  bool rsa = false;        ///< instead of P-256
  long begins = -60;       ///< seconds from now
  long ends = 30 * 86400;  ///< seconds from now
  std::string purpose;     ///< extendedKeyUsage, "" for none

  CertificateRequest() = default;
  explicit CertificateRequest(std::string common_name) : common_names{std::move(common_name)} {}
};

/// PEM files of one certificate and its key.
struct IssuedFiles {
  std::string certificate;
  std::string key;
};

/// A certificate authority in a folder of its own, removed afterwards.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "test authority");
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;
  ~TestAuthority();

  /// Writes NAME.pem and NAME.key.
  IssuedFiles issue(const std::string& name, const CertificateRequest& request);
  /// The certificates of issue() with these numbers (1, 2, ...) are on the list, which is valid for a day.
  std::string write_revocation_list(const std::vector<long>& numbers);
  /// The same in a directory as `openssl rehash` makes it.
  std::string hashed_directory() const;

  std::filesystem::path folder;
  std::string certificate;  ///< its own, PEM

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace net::testing

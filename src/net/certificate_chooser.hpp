#pragma once

#include "base/result.hpp"
#include "net/server_certificate.hpp"
#include "net/server_name.hpp"
#include "net/tls_options.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct ssl_st;
struct ssl_ctx_st;

namespace net {

/// The certificates of one set-up, and which of them a client is shown: those that are good for the name it asks for
/// (SNI), else those of tls_server_cert. RSA and ECDSA beside each other: the client's signature algorithms decide.
class CertificateChooser {
 public:
  /// Blocks on disk. Errors name the file and the option.
  static base::Result<std::unique_ptr<CertificateChooser>> load(const TlsOptions& options);
  CertificateChooser(const CertificateChooser&) = delete;
  CertificateChooser& operator=(const CertificateChooser&) = delete;

  /// Makes `context` show them. The chooser must live as long as handshakes of the context begin. `setup_digest` is of
  /// all else that sessions depend on: only a session with equal certificates and an equal set-up is resumed.
  base::Result<void> install(ssl_ctx_st* context, std::string setup_digest);

  /// What an administrator should hear about their validity.
  std::vector<std::string> warnings() const;

 private:
  CertificateChooser() = default;
  base::Result<void> load_all(const TlsOptions& options);
  void index_names();
  std::string session_context(std::span<const std::size_t> chosen) const;
  bool show(ssl_st* ssl, std::span<const std::size_t> chosen) const;
  static int choose(ssl_st* ssl, int* alert, void* self);

  std::vector<ServerCertificate> certificates_;  // those of tls_server_cert first
  std::vector<std::size_t> defaults_;            // their places
  CertificateNames names_;
  std::string setup_digest_;
};

}  // namespace net

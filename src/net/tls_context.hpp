#pragma once

#include "base/result.hpp"

#include <memory>
#include <string>
#include <vector>

namespace net {

/// The server's side of TLS, as plain values; the option names of imapd.conf(5) they come from in brackets.
struct TlsOptions {
  std::string certificate_file;  ///< PEM, certificate and chain [tls_server_cert]
  std::string key_file;          ///< PEM [tls_server_key]
  std::string versions = "tls1_2 tls1_3";  ///< [tls_versions]
  std::string ciphers = "DEFAULT";         ///< TLS 1.2 and older [tls_ciphers]
  std::string curve = "prime256v1";        ///< [tls_eccurve]
  bool prefer_server_ciphers = false;      ///< [tls_prefer_server_ciphers]
};

/// What a finished handshake agreed on, for the log line and the SASL layer.
struct TlsInfo {
  std::string version;    ///< "TLSv1.3"
  std::string cipher;     ///< "TLS_AES_256_GCM_SHA384"
  int bits = 0;           ///< secret bits in use
  int algorithm_bits = 0;
  bool resumed = false;

  TlsInfo() = default;
};

/// An SSL_CTX ready to accept connections. Made once per process and shared by all sessions.
class TlsContext {
 public:
  /// Reads and checks certificate and key. Blocks on disk. Errors name the file and the option.
  static base::Result<std::unique_ptr<TlsContext>> create(const TlsOptions& options);
  ~TlsContext();
};

}  // namespace net

#pragma once

#include "base/result.hpp"

#include <memory>
#include <string>

struct ssl_ctx_st;

namespace net {

/// The server's side of TLS, as plain values; the option names of imapd.conf(5) they come from in brackets.
struct TlsOptions {
  /// PEM, certificate and chain [tls_server_cert]. Two names with a comma between are two pairs (RSA and ECDSA).
  std::string certificate_file;
  std::string key_file;                    ///< PEM, without a passphrase; as many names [tls_server_key]
  std::string versions = "tls1_2 tls1_3";  ///< which of tls1_0 to tls1_3 stand somewhere in it [tls_versions]
  std::string ciphers = "DEFAULT";         ///< TLS 1.2 and older; before 1.2 it needs @SECLEVEL=0 [tls_ciphers]
  std::string curve = "prime256v1";        ///< a group or several with `:` between; "" for OpenSSL's [tls_eccurve]
  bool prefer_server_ciphers = false;      ///< [tls_prefer_server_ciphers]
};

/// What a finished handshake agreed on, for the log line and the SASL layer.
struct TlsInfo {
  std::string version;  ///< "TLSv1.3"
  std::string cipher;   ///< "TLS_AES_256_GCM_SHA384"
  int bits = 0;         ///< secret bits in use
  int algorithm_bits = 0;
  bool resumed = false;

  TlsInfo() = default;
};

/// An SSL_CTX ready to accept connections. Made once per process and shared by all sessions; a session that has begun
/// its handshake does not need it any more, so that a reload may replace it.
///
/// No compression, no renegotiation, no early data. A client that offers ALPN must offer "pop3" (RFC 7301 s3.2:
/// otherwise a fatal no_application_protocol alert), so that other protocols cannot be played against this one.
class TlsContext {
 public:
  /// Reads and checks certificate and key. Blocks on disk. Errors name the file and the option.
  static base::Result<std::unique_ptr<TlsContext>> create(const TlsOptions& options);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  /// For the classes of net/ that speak to libssl.
  ssl_ctx_st* native() const noexcept { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) noexcept : context_(context) {}
  ssl_ctx_st* context_;
};

}  // namespace net

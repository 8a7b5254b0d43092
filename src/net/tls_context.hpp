#pragma once

#include "base/result.hpp"
#include "net/tls_options.hpp"

#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;

namespace net {

class CertificateChooser;
class SessionTickets;
class TicketKeys;

/// An SSL_CTX ready to accept connections. Made once per process and shared by all sessions; a session that has begun
/// its handshake does not need it any more, so that a reload may replace it.
///
/// No compression, no renegotiation, no early data. A client that offers ALPN must offer the protocol of the options
/// (RFC 7301 s3.2: otherwise a fatal no_application_protocol alert), so that other protocols cannot be played against
/// this one. A client that asks for a name (SNI, RFC 6066 s3) is shown the certificates that are good for it, any other
/// one those of tls_server_cert. Sessions are resumed only where certificates, authorities and ciphers are those that
/// they began with.
class TlsContext {
 public:
  /// Reads and checks certificates, keys and authorities. Blocks on disk. Errors name the file and the option.
  static base::Result<std::unique_ptr<TlsContext>> create(const TlsOptions& options);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  /// What an administrator should hear although everything works: one line each.
  const std::vector<std::string>& warnings() const { return warnings_; }

  /// Session tickets are made and read with these keys from the next handshake on; until then with keys that nobody
  /// else has. On the loop's thread.
  void use_ticket_keys(std::shared_ptr<const TicketKeys> keys);

  /// For the classes of net/ that speak to libssl.
  ssl_ctx_st* native() const noexcept { return context_; }

 private:
  explicit TlsContext(const TlsOptions& options);
  base::Result<void> set_up(const TlsOptions& options);

  ssl_ctx_st* context_;
  std::unique_ptr<CertificateChooser> certificates_;
  std::unique_ptr<SessionTickets> tickets_;
  std::string protocol_;  // OpenSSL's callback points to it
  std::vector<std::string> warnings_;
};

}  // namespace net

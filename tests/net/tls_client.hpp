#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace net::testing {

/// A blocking TLS client over a borrowed socket, for tests: it sees and may alter each octet of ciphertext.
class TlsClient {
 public:
  explicit TlsClient(int fd, int version = 0);

  /// ALPN as on the wire: each name with its length before it.
  void offer_protocols(const std::vector<unsigned char>& protocols);
  /// Asks for this server name (RFC 6066 s3).
  void ask_for(const std::string& name);
  /// Has this certificate to show; PEM files. False when they cannot be read.
  bool show_certificate(const std::string& certificate, const std::string& key);
  /// Sends ciphertext in pieces of this size.
  void set_chunk(std::size_t octets) { chunk_ = octets; }
  void resume(SSL_SESSION* session) { SSL_set_session(ssl_.get(), session); }

  bool handshake();
  bool send(std::string_view text);
  /// Reads until `size` octets, end of file, close_notify or an error.
  std::string receive(std::size_t size);
  std::string receive_all() { return receive(std::string::npos); }
  /// The content of one SSL_read: never more than one record's.
  std::string receive_record();
  /// Queues a KeyUpdate that asks for an answer; sent by the next send().
  bool key_update();
  bool renegotiate();
  void say_goodbye();
  /// True when the peer sent close_notify.
  bool goodbye_received() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
  std::string protocol() const;
  /// The description of the alert that ended it, or "".
  const std::string& failure() const { return failure_; }

  SSL* ssl() const { return ssl_.get(); }
  /// Ciphertext that waits to be sent.
  std::string take_ciphertext();
  bool flush();

 private:
  bool feed();
  bool retry(int result);

  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  int fd_;
  std::size_t chunk_ = 65536;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string failure_;
};

}  // namespace net::testing

#include "net/tls_channel.hpp"

#include "base/check.hpp"
#include "net/client_certificates.hpp"
#include "net/openssl_error.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <sys/socket.h>

namespace net {

namespace {

// RFC 9266 s2, and for TLS 1.2 RFC 5929 s3: there it names one connection only with the extended master secret
// (RFC 7627), without which somebody in the middle can make two connections have the same.
ChannelBinding channel_binding(SSL* ssl) {
  ChannelBinding out;
  std::array<unsigned char, EVP_MAX_MD_SIZE> octets{};
  if (SSL_version(ssl) >= TLS1_3_VERSION) {
    constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
    constexpr std::size_t kOctets = 32;
    if (SSL_export_keying_material(ssl, octets.data(), kOctets, kLabel.data(), kLabel.size(), octets.data(), 0, 1) ==
        1) {
      out.type = "tls-exporter";
      out.data.assign(octets.begin(), octets.begin() + kOctets);
    }
  } else if (SSL_get_extms_support(ssl) == 1) {
    // The first Finished message: the client's, in a resumed session the server's.
    const std::size_t size = SSL_session_reused(ssl) == 1 ? SSL_get_finished(ssl, octets.data(), octets.size())
                                                          : SSL_get_peer_finished(ssl, octets.data(), octets.size());
    if (size > 0 && size <= octets.size()) {
      out.type = "tls-unique";
      out.data.assign(octets.begin(), octets.begin() + size);
    }
  }
  ERR_clear_error();
  return out;
}

}  // namespace

// A BIO that keeps nothing: reads come from the channel's input, writes go to its socket.
struct TlsChannel::Bio {
  static TlsChannel& channel(BIO* bio) { return *static_cast<TlsChannel*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    TlsChannel& self = channel(bio);
    const std::size_t octets =
        std::min(self.input_end_ - self.input_begin_, static_cast<std::size_t>(std::max(size, 0)));
    if (octets == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(into, self.input_.data() + self.input_begin_, octets);
    self.input_begin_ += octets;
    return static_cast<int>(octets);
  }

  static int write(BIO* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    for (;;) {
      const ssize_t sent =
          ::send(channel(bio).socket_, from, static_cast<std::size_t>(std::max(size, 0)), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent >= 0) return static_cast<int>(sent);
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) BIO_set_retry_write(bio);
      return -1;
    }
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  // Made at the first use, never changed, shared by all connections.
  static const BIO_METHOD* method() {
    struct Method {
      BIO_METHOD* value = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "pillarbox stream");
      Method() {
        CHECK(value != nullptr);
        BIO_meth_set_read(value, &Bio::read);
        BIO_meth_set_write(value, &Bio::write);
        BIO_meth_set_ctrl(value, &Bio::control);
        BIO_meth_set_create(value, &Bio::create);
      }
      Method(const Method&) = delete;
      Method& operator=(const Method&) = delete;
      ~Method() { BIO_meth_free(value); }
    };
    static const Method method;
    return method.value;
  }
};

base::Result<std::unique_ptr<TlsChannel>> TlsChannel::accept(const TlsContext& context, int socket) {
  ERR_clear_error();
  SSL* const ssl = SSL_new(context.native());
  if (ssl == nullptr) return base::fail(base::Errc::io, "TLS: " + take_openssl_error());
  std::unique_ptr<TlsChannel> result(new TlsChannel(ssl, socket));
  BIO* const bio = BIO_new(Bio::method());
  if (bio == nullptr) return base::fail(base::Errc::io, "TLS: " + take_openssl_error());
  BIO_set_data(bio, result.get());
  SSL_set_bio(ssl, bio, bio);  // takes the one reference for both directions
  SSL_set_accept_state(ssl);
  return result;
}

TlsChannel::~TlsChannel() {
  SSL_free(ssl_);
  ::explicit_bzero(input_.data(), input_.size());
}

TlsChannel::Step TlsChannel::outcome(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_NONE:
      return Step::done;
    case SSL_ERROR_WANT_READ:
      return Step::want_read;
    case SSL_ERROR_WANT_WRITE:
      return Step::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return Step::closed;
    case SSL_ERROR_SYSCALL:  // send() failed
      broken_ = true;
      return Step::closed;
    default:
      broken_ = true;
      failure_ = take_openssl_error();
      if (const long why = SSL_get_verify_result(ssl_); why != X509_V_OK) {
        failure_ += std::string(" (") + X509_verify_cert_error_string(why) + ")";
      }
      return Step::failed;
  }
}

TlsChannel::Step TlsChannel::handshake() {
  ERR_clear_error();
  const Step step = outcome(SSL_accept(ssl_));
  if (step == Step::done) silent_octets_ = 0;
  return step;
}

TlsChannel::Step TlsChannel::read(std::span<char> into, std::size_t& octets) {
  ERR_clear_error();
  const Step step = outcome(SSL_read_ex(ssl_, into.data(), into.size(), &octets));
  if (step == Step::done) silent_octets_ = 0;
  return step;
}

TlsChannel::Step TlsChannel::write(std::string_view text) {
  CHECK(!text.empty() && text.size() <= kRecordOctets);
  // Without this, SSL_write would go on with a handshake that has failed.
  if (broken_ || SSL_is_init_finished(ssl_) == 0) return Step::closed;
  ERR_clear_error();
  std::size_t sent = 0;
  return outcome(SSL_write_ex(ssl_, text.data(), text.size(), &sent));
}

TlsChannel::Step TlsChannel::shutdown() {
  if (broken_ || SSL_is_init_finished(ssl_) == 0) return Step::closed;
  ERR_clear_error();
  const int result = SSL_shutdown(ssl_);
  return result >= 0 ? Step::done : outcome(result);
}

bool TlsChannel::has_input() const noexcept { return input_begin_ != input_end_ || SSL_has_pending(ssl_) == 1; }

std::span<char> TlsChannel::space() noexcept {
  if (input_begin_ == input_end_) input_begin_ = input_end_ = 0;
  return std::span(input_).subspan(input_end_);
}

void TlsChannel::received(std::size_t octets) noexcept {
  CHECK(octets <= input_.size() - input_end_);
  input_end_ += octets;
  silent_octets_ += octets;
}

TlsInfo TlsChannel::info() const {
  TlsInfo info;
  info.version = SSL_get_version(ssl_);
  info.cipher = SSL_get_cipher_name(ssl_);
  info.bits = SSL_get_cipher_bits(ssl_, &info.algorithm_bits);
  info.resumed = SSL_session_reused(ssl_) == 1;
  const unsigned char* protocol = nullptr;
  unsigned protocol_octets = 0;
  SSL_get0_alpn_selected(ssl_, &protocol, &protocol_octets);
  info.protocol.assign(protocol, protocol + protocol_octets);
  const X509* const certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate != nullptr && SSL_get_verify_result(ssl_) == X509_V_OK) {
    ClientIdentity identity = client_identity(certificate);
    info.client_name = std::move(identity.name);
    info.client_problem = std::move(identity.problem);
  }
  info.binding = channel_binding(ssl_);
  return info;
}

}  // namespace net

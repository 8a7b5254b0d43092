#include "net/tls_channel.hpp"

#include "base/check.hpp"
#include "net/openssl_error.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace net {

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
  return info;
}

}  // namespace net

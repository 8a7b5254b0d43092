#include "tls_client.hpp"

#include "net_support.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <sys/socket.h>

namespace net::testing {

TlsClient::TlsClient(int fd, int version) : fd_(fd), context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
  if (version != 0) SSL_CTX_set_max_proto_version(context_.get(), version);
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(ssl_.get());
}

void TlsClient::offer_protocols(const std::vector<unsigned char>& protocols) {
  SSL_set_alpn_protos(ssl_.get(), protocols.data(), static_cast<unsigned>(protocols.size()));
}

void TlsClient::ask_for(const std::string& name) {
  // What SSL_set_tlsext_host_name() is a macro for.
  SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(name.c_str()));
}

bool TlsClient::show_certificate(const std::string& certificate, const std::string& key) {
  return SSL_use_certificate_file(ssl_.get(), certificate.c_str(), SSL_FILETYPE_PEM) == 1 &&
         SSL_use_PrivateKey_file(ssl_.get(), key.c_str(), SSL_FILETYPE_PEM) == 1;
}

std::string TlsClient::take_ciphertext() {
  std::string text(BIO_ctrl_pending(SSL_get_wbio(ssl_.get())), '\0');
  if (!text.empty()) BIO_read(SSL_get_wbio(ssl_.get()), text.data(), static_cast<int>(text.size()));
  return text;
}

bool TlsClient::flush() {
  const std::string text = take_ciphertext();
  for (std::size_t at = 0; at < text.size(); at += chunk_) {
    if (!send_all(fd_, std::string_view(text).substr(at, chunk_))) return false;
  }
  return true;
}

bool TlsClient::feed() {
  char buffer[4096];
  const ssize_t got = ::recv(fd_, buffer, sizeof(buffer), 0);
  if (got <= 0) return false;
  BIO_write(SSL_get_rbio(ssl_.get()), buffer, static_cast<int>(got));
  return true;
}

bool TlsClient::retry(int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  const bool sent = flush();
  if (error == SSL_ERROR_WANT_READ) return sent && feed();
  if (error == SSL_ERROR_SSL) {
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    failure_ = reason != nullptr ? reason : "unknown";
  }
  ERR_clear_error();
  return false;
}

bool TlsClient::handshake() {
  for (;;) {
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) return flush();
    if (!retry(result)) return false;
  }
}

bool TlsClient::send(std::string_view text) {
  return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) > 0 && flush();
}

std::string TlsClient::receive_record() {
  std::string text(std::size_t{16 * 1024}, '\0');
  for (;;) {
    const int got = SSL_read(ssl_.get(), text.data(), static_cast<int>(text.size()));
    if (got > 0) {
      text.resize(static_cast<std::size_t>(got));
      return text;
    }
    if (!retry(got)) return {};
  }
}

std::string TlsClient::receive(std::size_t size) {
  std::string text;
  while (text.size() < size) {
    const std::string record = receive_record();
    if (record.empty()) break;
    text += record;
  }
  return text;
}

bool TlsClient::key_update() { return SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED) == 1; }
bool TlsClient::renegotiate() { return SSL_renegotiate(ssl_.get()) == 1; }

void TlsClient::say_goodbye() {
  SSL_shutdown(ssl_.get());
  flush();
}

std::string TlsClient::protocol() const {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &length);
  return std::string(name, name + length);
}

}  // namespace net::testing

#include "net/session_tickets.hpp"

#include "base/check.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstddef>
#include <ctime>

namespace net {
namespace {

/// One for each full handshake: a client has one use for it, and takes a new one each time.
constexpr std::size_t kTickets = 1;

// Where the SessionTickets of an SSL_CTX stand in it.
int place() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

struct SessionTickets::Callbacks {
  // 1: done; 2: done, and the client gets a new ticket; 0: no such key, full handshake; -1: failure.
  static int key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                 int encrypt) {
    const auto* self = static_cast<const SessionTickets*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), place()));
    if (self == nullptr || !self->keys_ || self->keys_->empty()) return 0;
    const TicketKey& newest = self->keys_->newest();
    if (encrypt != 0) {
      std::copy(newest.name.begin(), newest.name.end(), name);
      if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
      return start(newest, iv, cipher, mac, encrypt) ? 1 : -1;
    }
    const TicketKey* const found =
        self->keys_->find(std::span<const unsigned char, TicketKey::kNameOctets>(name, TicketKey::kNameOctets));
    if (found == nullptr) return 0;
    if (!start(*found, iv, cipher, mac, encrypt)) return -1;
    return SSL_version(ssl) >= TLS1_3_VERSION || found != &newest ? 2 : 1;
  }

  static bool start(const TicketKey& key, const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                    int encrypt) {
    TicketKey copy = key;  // the parameters take no const; wiped at the end
    char digest[] = "sha256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, copy.mac.data(), copy.mac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv, encrypt) == 1 &&
           EVP_MAC_CTX_set_params(mac, parameters) == 1;
  }

  // The certificate stands in the ticket and is not verified again: its time is all that can have run out.
  static SSL_TICKET_RETURN decrypted(SSL*, SSL_SESSION* session, const unsigned char*, std::size_t,
                                     SSL_TICKET_STATUS status, void*) {
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
    const X509* const client = SSL_SESSION_get0_peer(session);
    if (client != nullptr) {
      std::time_t now = std::time(nullptr);
      if (X509_cmp_time(X509_get0_notAfter(client), &now) < 0) return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
  }
};

SessionTickets::SessionTickets(SSL_CTX* context, std::chrono::seconds lifetime) {
  // By tickets only: a cache would cost memory for each client, and helps one process of many.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (lifetime.count() <= 0) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  CHECK(SSL_CTX_set_ex_data(context, place(), this) == 1);
  SSL_CTX_set_timeout(context, lifetime.count());
  SSL_CTX_set_num_tickets(context, kTickets);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, Callbacks::key);
  SSL_CTX_set_session_ticket_cb(context, nullptr, Callbacks::decrypted, nullptr);
}

}  // namespace net

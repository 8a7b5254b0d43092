#pragma once

#include "net/ticket_keys.hpp"

#include <chrono>
#include <memory>

struct ssl_ctx_st;

namespace net {

/// Resumption by tickets (RFC 5077, RFC 8446 s4.6.1) for one SSL_CTX: which keys it uses, and which sessions it takes.
///
/// A ticket holds the TLS session and nothing else: who resumes must log in again. Over TLS 1.3 each connection still
/// has its own Diffie-Hellman. A session of a client whose certificate has expired since is not resumed; one that began
/// with other certificates of ours, or other authorities, OpenSSL refuses by the session id context.
class SessionTickets {
 public:
  /// `lifetime` 0 turns resumption off. The object must live as long as handshakes of `context` begin.
  SessionTickets(ssl_ctx_st* context, std::chrono::seconds lifetime);
  SessionTickets(const SessionTickets&) = delete;
  SessionTickets& operator=(const SessionTickets&) = delete;

  /// From the next handshake on. On the loop's thread.
  void use(std::shared_ptr<const TicketKeys> keys) { keys_ = std::move(keys); }

 private:
  struct Callbacks;

  std::shared_ptr<const TicketKeys> keys_;
};

}  // namespace net

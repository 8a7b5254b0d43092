#pragma once

#include "lmtp/command.hpp"
#include "lmtp/reply.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace lmtp {

/// Recipients of one message. RFC 5321 s4.5.3.1.8 promises 100.
inline constexpr std::size_t kMaxRecipients = 1000;

/// What the meaning of commands depends on, as it is now on this connection.
struct Rules {
  std::string server_name;
  std::string session_id;
  bool trusted = false;        ///< a Unix socket, or -a: no AUTH is needed
  bool authenticated = false;  ///< AUTH has succeeded
  bool tls_active = false;
  bool starttls_offered = false;  ///< a certificate is configured, STARTTLS is allowed, the client is not trusted
  bool tls_required = false;      ///< option tls_required
  bool soft_noauth = true;        ///< option soft_noauth
  bool strict_paths = true;       ///< option lmtp_strict_rfc2821
  std::uint64_t max_octets = 0;   ///< option maxmessagesize; 0: none
  std::string mechanisms;         ///< what AUTH offers, separated by blanks; empty: nothing
};

/// What the session must do for a command.
struct CheckRecipient {
  Path recipient;
  bool ignore_quota = false;
};
struct ReceiveMessage {};
struct StartSasl {
  std::string mechanism;
  std::optional<std::string> initial_response;  ///< see Auth
};
struct BeginTls {};
struct Finish {
  Reply reply;  ///< the last one: then the connection is closed
};
using Step = std::variant<Reply, CheckRecipient, ReceiveMessage, StartSasl, BeginTls, Finish>;

/// The mail transaction under way.
struct Envelope {
  Mail mail;
  std::size_t recipients = 0;  ///< accepted so far
};

/// One LMTP session as a value: which command may follow which (RFC 2033 s4, RFC 5321 s4.1.4), and what has been said.
class Conversation {
 public:
  Step step(Command command, const Rules& rules);

  /// The recipient of the last CheckRecipient was accepted. Returns the reply.
  Reply accept_recipient();

  /// The message has been received, or the transaction is given up: the next one may begin.
  void end_transaction() { envelope_.reset(); }

  /// Forgets everything that was said: after STARTTLS (RFC 3207 s4.2).
  void reset();

  /// What the client called itself; empty before LHLO.
  const std::string& client_name() const { return client_name_; }
  /// From MAIL on.
  const std::optional<Envelope>& envelope() const { return envelope_; }

 private:
  Step lhlo(Lhlo command, const Rules& rules);
  Step mail(Mail command, const Rules& rules);
  Step rcpt(Rcpt command, const Rules& rules);
  Step auth(Auth command, const Rules& rules);
  Step start_tls(const Rules& rules);

  std::string client_name_;
  std::optional<Envelope> envelope_;
};

}  // namespace lmtp

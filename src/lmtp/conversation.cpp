#include "lmtp/conversation.hpp"

#include "base/check.hpp"

#include <utility>

namespace lmtp {
namespace {

Reply lhlo_reply(const Rules& rules) {
  std::string out = "250-" + rules.server_name + "\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n";
  out += rules.max_octets > 0 ? "250-SIZE " + std::to_string(rules.max_octets) + "\r\n" : "250-SIZE\r\n";
  out += "250-SMTPUTF8\r\n";
  if (rules.starttls_offered && !rules.tls_active) out += "250-STARTTLS\r\n";
  if (!rules.mechanisms.empty() && !rules.trusted && !rules.authenticated)
    out += "250-AUTH " + rules.mechanisms + "\r\n";
  out += "250-IGNOREQUOTA\r\n250 Ok SESSIONID=<" + rules.session_id + ">\r\n";
  return {std::move(out)};
}

/// Takes one alternative of Command to the member that knows it.
template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace

Step Conversation::step(Command command, const Rules& rules) {
  return std::visit(Overloaded{
                        [&](Lhlo& one) { return lhlo(std::move(one), rules); },
                        [&](Mail& one) { return mail(std::move(one), rules); },
                        [&](Rcpt& one) { return rcpt(std::move(one), rules); },
                        [&](Auth& one) { return auth(std::move(one), rules); },
                        [&](StartTls&) { return start_tls(rules); },
                        [&](Data&) -> Step {
                          if (!envelope_ || envelope_->recipients == 0) return reply(503, "5.5.1", "No recipients");
                          return ReceiveMessage{};
                        },
                        [&](Rset&) -> Step {
                          end_transaction();
                          return reply(250, "2.0.0", "Ok SESSIONID=<" + rules.session_id + ">");
                        },
                        [](Noop&) -> Step { return reply(250, "2.0.0", "ok"); },
                        [](Vrfy&) -> Step { return reply(252, "2.3.3", "try RCPT to attempt delivery"); },
                        [](Quit&) -> Step { return Finish{reply(221, "2.0.0", "bye")}; },
                        [](Bdat&) -> Step { return Finish{reply(502, "5.5.1", "BDAT is not offered, closing")}; },
                    },
                    command);
}

// RFC 5321 s4.1.4: a new greeting drops the transaction under way.
Step Conversation::lhlo(Lhlo command, const Rules& rules) {
  client_name_ = std::move(command.name);
  end_transaction();
  return lhlo_reply(rules);
}

Step Conversation::mail(Mail command, const Rules& rules) {
  if (!rules.trusted && rules.tls_required && !rules.tls_active) {
    return reply(530, "5.7.0", "Must issue a STARTTLS command first");
  }
  if (!rules.trusted && !rules.authenticated) {
    return rules.soft_noauth ? reply(430, "4.7.0", "Authentication required")
                             : reply(530, "5.7.0", "Authentication required");
  }
  if (envelope_) return reply(503, "5.5.1", "Nested MAIL command");
  if (!admit(command.sender, command.utf8, rules.strict_paths)) {
    return reply(553, "5.6.7", "Address needs SMTPUTF8");
  }
  if (rules.max_octets > 0 && command.size.value_or(0) > rules.max_octets) {
    return reply(552, "5.3.4",
                 "Message SIZE exceeds fixed maximum message size (" + std::to_string(rules.max_octets) + ")");
  }
  envelope_ = Envelope{std::move(command), 0};
  return reply(250, "2.1.0", "ok");
}

Step Conversation::rcpt(Rcpt command, const Rules& rules) {
  if (!envelope_) return reply(503, "5.5.1", "Need MAIL command");
  if (!admit(command.recipient, envelope_->mail.utf8, rules.strict_paths)) {
    return reply(553, "5.6.7", "Address needs SMTPUTF8");
  }
  if (envelope_->recipients >= kMaxRecipients) return reply(452, "4.5.3", "Too many recipients");
  return CheckRecipient{std::move(command.recipient), command.ignore_quota};
}

// RFC 4954 s4.
Step Conversation::auth(Auth command, const Rules& rules) {
  if (rules.trusted || rules.authenticated) return reply(503, "5.5.0", "already authenticated");
  if (envelope_) return reply(503, "5.5.0", "AUTH not permitted now");
  if (rules.tls_required && !rules.tls_active) return reply(530, "5.7.0", "Must issue a STARTTLS command first");
  return StartSasl{std::move(command.mechanism), std::move(command.initial_response)};
}

// RFC 3207 s4.
Step Conversation::start_tls(const Rules& rules) {
  if (rules.tls_active) return reply(454, "4.3.3", "Already successfully executed STARTTLS");
  if (!rules.starttls_offered) return reply(502, "5.5.1", "STARTTLS is not offered");
  if (envelope_) return reply(503, "5.5.0", "STARTTLS not permitted now");
  return BeginTls{};
}

Reply Conversation::accept_recipient() {
  CHECK(envelope_);
  ++envelope_->recipients;
  return reply(250, "2.1.5", "ok");
}

void Conversation::reset() {
  client_name_.clear();
  end_transaction();
}

}  // namespace lmtp

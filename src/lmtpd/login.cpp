// AUTH and STARTTLS: how a stranger becomes somebody who may hand over mail.

#include "auth/base64.hpp"
#include "lmtpd/session.hpp"
#include "net/timer.hpp"
#include "server/login_attempt.hpp"

#include <utility>

namespace lmtpd {
namespace {

/// RFC 4954 s4 wants 12288 octets.
constexpr std::size_t kMaxSaslOctets = 32768;

lmtp::Reply bad_response() { return lmtp::reply(501, "5.5.2", "cannot decode response"); }

}  // namespace

// RFC 4954 s4. Cyrus: only administrators may hand over mail from another machine.
net::Task<void> Session::sasl(lmtp::StartSasl request) {
  std::optional<base::Secret> initial;
  if (request.initial_response) {
    // "=" stands for an empty response.
    auto decoded = *request.initial_response == "=" ? base::Secret() : auth::base64_decode(*request.initial_response);
    base::wipe(*request.initial_response);
    if (!decoded) {
      guard_->note_broken_off();
      put(bad_response());
      co_return;
    }
    initial = std::move(*decoded);
  }
  const auto wait = co_await guard_->penalty();
  if (wait.count() > 0) co_await net::sleep_for(wait);
  const std::string mechanism = request.mechanism;
  bool answered = false;
  auto outcome = co_await exchange(std::move(request), std::move(initial), answered);
  if (answered) co_return;
  if (outcome.identity) {
    if (outcome.identity->admin) {
      user_ = outcome.identity->user;
      guard_->let_in();
      stream_.set_deadline(net::Clock::time_point::max());
      process_.log.notice("login: " + client() + " " + user_ + " " + mechanism + (stream_.is_tls() ? "+TLS" : "") +
                          " User logged in");
      proc_entry_.show(client(), user_, "");
      put(lmtp::reply(235, "2.7.0", "Authenticated!"));
      co_return;
    }
    outcome.refusal.emplace(auth::Refusal::Kind::credentials, "only admins may authenticate");
    outcome.refusal->user = outcome.identity->authenticated_as;
  }
  co_await refuse_login(std::move(*outcome.refusal), mechanism);
}

// The whole exchange of challenges and responses. `answered` becomes true when the client cancelled it, or is gone.
net::Task<auth::Exchange::Outcome> Session::exchange(lmtp::StartSasl request, std::optional<base::Secret> initial,
                                                     bool& answered) {
  server::LoginAttempt attempt(process_, channel());
  auto outcome = co_await attempt.start(std::move(request.mechanism), std::move(initial));
  while (outcome.challenge) {
    auto response = co_await sasl_response(std::move(*outcome.challenge));
    if (!response) {
      answered = true;
      co_return outcome;
    }
    outcome = co_await attempt.step(std::move(*response));
  }
  co_return outcome;
}

// Sends a challenge and reads the answer to it, decoded. nullopt: cancelled, undecodable (both answered) or lost.
net::Task<std::optional<base::Secret>> Session::sasl_response(std::string challenge) {
  stream_.output() += "334 " + auth::base64_encode(challenge) + "\r\n";
  const auto line = co_await stream_.read_line(kMaxSaslOctets);
  if (!line) {
    guard_->note_broken_off();
    if (line.error().code == base::Errc::limit) put(bad_response());
    co_return std::nullopt;
  }
  if (*line == "*") {
    guard_->note_broken_off();
    put(lmtp::reply(501, "5.7.0", "client canceled authentication"));
    co_return std::nullopt;
  }
  auto decoded = auth::base64_decode(*line);
  if (!decoded) {
    guard_->note_broken_off();
    put(bad_response());
    co_return std::nullopt;
  }
  co_return std::move(*decoded);
}

// RFC 4954 s6. Wrong credentials cost this client a pause, and nobody else anything.
net::Task<void> Session::refuse_login(auth::Refusal refusal, std::string mechanism) {
  using Kind = auth::Refusal::Kind;
  process_.log.notice("badlogin: " + client() + " " + mechanism + " " +
                      (refusal.user.empty() ? "" : "(" + refusal.user + ") ") + "[" + refusal.reason + "]");
  switch (refusal.kind) {
    case Kind::temporary:
      put(lmtp::reply(454, "4.7.0", "Temporary authentication failure"));
      co_return;
    case Kind::no_mechanism:
      put(lmtp::reply(504, "5.5.4", "Unrecognized authentication type."));
      co_return;
    case Kind::too_weak:
      put(lmtp::reply(538, "5.7.11", "Encryption required for requested authentication mechanism"));
      co_return;
    case Kind::bad_protocol:
      co_await guard_->note_failure();
      put(bad_response());
      co_return;
    case Kind::credentials:
      break;
  }
  co_await guard_->note_failure();
  static_cast<void>(co_await stream_.flush());  // a peer that is gone shows at the next read
  co_await net::sleep_for(settings_.failed_login_pause);
  put(lmtp::reply(535, "5.7.8", "Authentication credentials invalid"));
}

// RFC 3207 s4.2: what came in clear text counts for nothing afterwards. Octets that are here already were sent without
// waiting for our answer: somebody may have put them there, so the connection ends.
net::Task<bool> Session::start_tls() {
  if (stream_.unread() > 0) {
    process_.log.warning("STARTTLS from " + client() + ": commands came in the same packet, closing");
    put(lmtp::closing("Commands before the TLS handshake are refused"));
    co_return false;
  }
  const auto context = configured_->tls->context();  // held until the handshake is over
  if (!context) {
    put(lmtp::reply(454, "4.7.0", "TLS not available due to temporary reason"));  // RFC 3207 s4
    co_return true;
  }
  put(lmtp::reply(220, "2.0.0", "Begin TLS negotiation now"));
  const auto info = co_await stream_.start_tls(*context);
  if (!info) {
    process_.log.notice("[lmtpd] STARTTLS failed: " + client() + ": " + info.error().text);
    co_return false;
  }
  tls_ = std::make_unique<const net::TlsInfo>(*info);
  conversation_.reset();
  user_.clear();
  deliveries_.clear();
  process_.log.notice("starttls: " + info->version + " with cipher " + info->cipher + " (" +
                      std::to_string(info->bits) + "/" + std::to_string(info->algorithm_bits) + " bits " +
                      (info->resumed ? "reused" : "new") + ") no authentication");
  co_return true;
}

}  // namespace lmtpd

// The ways into a maildrop: USER/PASS, AUTH, STLS on the way, and what follows a good login.

#include "auth/base64.hpp"
#include "auth/user_deny.hpp"
#include "base/ascii.hpp"
#include "net/timer.hpp"
#include "pop3/capabilities.hpp"
#include "pop3d/session.hpp"
#include "server/login_attempt.hpp"

#include <utility>

namespace pop3d {
namespace {

/// RFC 5034 s4 wants 12288 octets; OAuth tokens want more.
constexpr std::size_t kMaxSaslOctets = 32768;

constexpr std::string_view kBadProtocol = "authenticating: bad protocol / cancel";
constexpr std::string_view kBadProtocolReason = "bad protocol / cancel";

/// What the client is told of a refusal. Wrong credentials of all kinds look alike.
std::string_view detail_of(auth::Refusal::Kind kind) {
  using Kind = auth::Refusal::Kind;
  if (kind == Kind::no_mechanism) return "authenticating: no mechanism available";
  if (kind == Kind::too_weak) return "authenticating: encryption needed to use mechanism";
  if (kind == Kind::bad_protocol) return kBadProtocol;
  return "authenticating: authentication failure";
}

}  // namespace

// What others of the client's address did wrong costs everybody there the same bounded time, with good passwords and
// bad ones: otherwise the time would tell which is which.
net::Task<void> Session::wait_for_turn() {
  const auto wait = co_await guard_->penalty();
  if (wait.count() == 0) co_return;
  static_cast<void>(co_await stream_.flush());  // as before a pause
  co_await net::sleep_for(wait);
}

net::Task<bool> Session::check_password(pop3::CheckPassword attempt) {
  co_await wait_for_turn();
  std::string user = attempt.user;
  // What anonymous gives for a password is shown in the log, as FTP servers do.
  std::string shown_password;
  if (base::ascii::equal_ignoring_case(user, "anonymous")) shown_password = attempt.password.view();
  server::LoginAttempt login(process_, channel());
  auto outcome = co_await login.check_password(std::move(attempt.user), std::move(attempt.password));
  if (outcome.identity) {
    co_return co_await logged_in(std::move(*outcome.identity), "plaintext", nullptr, std::move(shown_password));
  }
  auto reply = pop3::login_failed();
  co_await refuse_login(std::move(*outcome.refusal), "plaintext", std::move(user), std::move(reply));
  co_return false;
}

// RFC 1939 s7.
net::Task<bool> Session::check_apop(pop3::CheckApop attempt) {
  co_await wait_for_turn();
  server::LoginAttempt login(process_, channel());
  auto outcome = co_await login.check_apop(apop_challenge_, std::move(attempt.user), std::move(attempt.digest));
  if (outcome.identity) co_return co_await logged_in(std::move(*outcome.identity), "APOP", nullptr, {});
  auto reply = pop3::sasl_failed(detail_of(outcome.refusal->kind));
  co_await refuse_login(std::move(*outcome.refusal), "APOP", apop_challenge_, std::move(reply));
  co_return false;
}

// RFC 5034 s4.
net::Task<bool> Session::sasl(pop3::StartSasl request) {
  co_await wait_for_turn();
  std::optional<base::Secret> initial;
  if (request.initial_response) {
    // "=" stands for an empty response.
    auto decoded = *request.initial_response == "=" ? base::Secret() : auth::base64_decode(*request.initial_response);
    base::wipe(*request.initial_response);
    if (!decoded) {
      guard_->note_broken_off();
      log_bad_login(request.mechanism, std::nullopt, std::string(kBadProtocolReason));
      put(pop3::sasl_failed(kBadProtocol));
      co_return false;
    }
    initial = std::move(*decoded);
  }

  server::LoginAttempt login(process_, channel());
  auto outcome = co_await login.start(request.mechanism, std::move(initial));
  while (outcome.challenge) {
    auto response = co_await sasl_response(std::move(*outcome.challenge), request.mechanism);
    if (!response) co_return false;
    outcome = co_await login.step(std::move(*response));
  }
  if (outcome.identity) {
    co_return co_await logged_in(std::move(*outcome.identity), request.mechanism, login.take_layer(), {});
  }
  auto reply = pop3::sasl_failed(detail_of(outcome.refusal->kind));
  std::optional<std::string> user;
  if (!outcome.refusal->user.empty()) user = outcome.refusal->user;
  co_await refuse_login(std::move(*outcome.refusal), request.mechanism, std::move(user), std::move(reply));
  co_return false;
}

// Sends a challenge and reads the answer to it, decoded. nullopt: cancelled, undecodable (both answered) or lost.
net::Task<std::optional<base::Secret>> Session::sasl_response(std::string challenge, std::string mechanism) {
  stream_.output() += "+ " + auth::base64_encode(challenge) + "\r\n";
  const auto line = co_await stream_.read_line(kMaxSaslOctets);
  if (!line) {
    if (line.error().code != base::Errc::limit) {
      lost(line.error());
      co_return std::nullopt;
    }
    guard_->note_broken_off();
    log_bad_login(std::move(mechanism), std::nullopt, std::string(kBadProtocolReason));
    put(pop3::sasl_failed(kBadProtocol));
    co_return std::nullopt;
  }
  if (line->starts_with('*')) {
    guard_->note_broken_off();
    put(pop3::err("[AUTH] Client canceled authentication"));
    co_return std::nullopt;
  }
  auto decoded = auth::base64_decode(*line);
  if (!decoded) {
    guard_->note_broken_off();
    log_bad_login(std::move(mechanism), std::nullopt, std::string(kBadProtocolReason));
    put(pop3::sasl_failed(kBadProtocol));
    co_return std::nullopt;
  }
  co_return std::move(*decoded);
}

// Every refusal of wrong credentials costs this client the same pause, and nobody else anything.
net::Task<void> Session::refuse_login(auth::Refusal refusal, std::string mechanism, std::optional<std::string> user,
                                      pop3::Line reply) {
  authorization_.reset();
  // Nobody may be banned for a back end that does not answer, whatever libsasl2 calls that.
  const bool temporary = refusal.kind == auth::Refusal::Kind::temporary;
  log_bad_login(std::move(mechanism), std::move(user), (temporary ? "temporary failure: " : "") + refusal.reason);
  if (temporary) {
    put(pop3::login_unavailable());
    co_return;
  }
  using Kind = auth::Refusal::Kind;
  // A proof that is none, bound to another connection for example, is as good a guess as a wrong one.
  if (refusal.kind == Kind::credentials || refusal.kind == Kind::bad_protocol) co_await guard_->note_failure();
  // What was answered before must not wait for the pause; a peer that is gone shows at the next read.
  static_cast<void>(co_await stream_.flush());
  co_await net::sleep_for(settings_.failed_login_pause);
  put(reply);
}

net::Task<bool> Session::logged_in(auth::Identity identity, std::string mechanism, std::unique_ptr<net::Layer> layer,
                                   std::string anonymous_password) {
  authorization_.reset();
  if (layer && stream_.unread() > 0) {
    process_.log.warning("AUTH " + mechanism + " from " + client() + ": octets came before the layer, closing");
    put(pop3::err("Octets before the security layer are refused"));
    ending_ = true;
    co_return false;
  }
  if (!identity.admin) {  // Cyrus: administrators by AUTH are let in
    const bool denied = co_await is_denied(identity.user, mechanism);
    if (denied) co_return false;
  }
  log_login(identity, mechanism, anonymous_password);
  guard_->let_in();
  if (!has_tls() && mechanism == "plaintext" && settings_.plaintext_login_pause.count() > 0) {
    co_await net::sleep_for(settings_.plaintext_login_pause);
  }
  cyrus::MaildropName name;
  name.user = identity.user;
  name.subfolder = identity.subfolder;
  if (!co_await open_maildrop(name)) co_return false;
  const bool admitted = co_await admit(name.user);
  if (!admitted) co_return false;
  user_ = name.user;
  begin_telemetry();
  proc_entry_.show(client(), name.user, mailbox_);
  put(pop3::ok("Mailbox locked and ready SESSIONID=<" + id_ + ">"));
  // RFC 5034 s4: the layer begins behind the CRLF of the positive reply.
  if (layer) static_cast<void>(co_await stream_.start_layer(std::move(layer)));  // a lost peer shows at the next read
  co_return true;
}

// Asked behind a good password only, so that strangers learn nothing of who is blocked. A list that cannot be read lets
// nobody in: it may say no.
net::Task<bool> Session::is_denied(std::string user, std::string mechanism) {
  const auto give_up = net::Clock::now() + settings_.lock_timeout;
  auto work = [this, &user] { return configured_->user_deny.find(user); };
  auto entry = co_await process_.store_pool.run(work);
  while (!entry && entry.error().code == base::Errc::busy && net::Clock::now() < give_up) {
    co_await net::sleep_for(kLockRetry);
    entry = co_await process_.store_pool.run(work);
  }
  base::Result<std::optional<std::string>> text = std::nullopt;
  if (!entry) {
    text = tl::unexpected(entry.error());
  } else if (*entry) {
    text = auth::denial(**entry, settings_.service);
  }
  if (!text) {
    process_.log.error("login of " + user + " from " + client() + " refused: " + text.error().text);
    put(pop3::login_unavailable());
    co_return true;
  }
  if (!*text) co_return false;
  process_.log.notice("login of " + user + " from " + client() + " by " + mechanism + " refused: blocked for service " +
                      settings_.service + " in user_deny.db");
  put(pop3::blocked(**text));
  ending_ = true;
  co_return true;
}

// A lock that somebody else holds keeps this client waiting on a timer, never a thread of the pool.
net::Task<bool> Session::open_maildrop(const cyrus::MaildropName& name) {
  mailbox_ = configured_->store->internal_name(name);
  const auto give_up = net::Clock::now() + settings_.lock_timeout;
  for (;;) {
    auto work = [this, &name] {
      auto drop = configured_->store->open_maildrop(name);
      if (drop) telemetry_ = open_telemetry(name.user);
      return drop;
    };
    auto opened = co_await process_.store_pool.run(std::move(work));
    if (opened) {
      drop_ = std::move(*opened);
      co_return true;
    }
    if (opened.error().code != base::Errc::busy || net::Clock::now() >= give_up) {
      const auto reply = opened.error().code == base::Errc::limit ? pop3::login_delay((settings_.login_delay + 59) / 60)
                                                                  : pop3::could_not_open(opened.error());
      log_unopened(opened.error(), reply);
      put(reply);
      co_return false;
    }
    co_await net::sleep_for(kLockRetry);
  }
}

// RFC 2595 s4: what came in clear text counts for nothing afterwards. Octets that are here already were sent without
// waiting for our answer: somebody may have put them there, so the connection ends.
net::Task<bool> Session::start_tls() {
  if (stream_.unread() > 0) {
    process_.log.warning("STLS from " + client() + ": commands came in the same packet, closing");
    end_ = SessionEnd::refused;
    put(pop3::err("Commands before the TLS handshake are refused"));
    co_return false;
  }
  const auto context = configured_->tls->context();  // held until the handshake is over
  if (!context) {
    put(pop3::err("[SYS/PERM] Error initializing TLS"));
    co_return true;
  }
  put(pop3::ok("Begin TLS negotiation now"));
  const auto info = co_await stream_.start_tls(*context);
  if (!info) {
    process_.log.notice("[pop3d] STARTTLS failed: " + client() + ": " + info.error().text);
    if (end_ != SessionEnd::stopped) end_ = SessionEnd::tls_failed;
    co_return false;
  }
  authorization_.reset();
  note_tls(*info);
  co_return true;
}

}  // namespace pop3d

#include "pop3d/session.hpp"

#include "net/timer.hpp"
#include "pop3/body_encoder.hpp"
#include "pop3/capabilities.hpp"
#include "pop3/listing.hpp"
#include "pop3/parse_command.hpp"
#include "pop3/transact.hpp"
#include "server/version.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

namespace pop3d {
namespace {

using maildrop::Access;

/// How long a client may take to read our last words.
constexpr std::chrono::seconds kClosePatience{5};
/// How much of a message is read from disk, or of a listing rendered, at a time.
constexpr std::size_t kPieceOctets = 64 * 1024;

}  // namespace

Session::Session(const server::Process& process, std::shared_ptr<const Configured> configured,
                 TelemetryWriter& telemetry, server::Arrival client, std::string id)
    : process_(process),
      configured_(std::move(configured)),
      settings_(configured_->settings),
      peer_(std::move(client.peer)),
      local_(std::move(client.local)),
      id_(std::move(id)),
      arrived_(client.at),
      tls_ends_at_proxy_(client.tls_ends_at_proxy),
      tls_at_proxy_(client.counts_as_tls),
      telemetry_writer_(telemetry),
      guard_(std::move(client.guard)),
      stream_(process.loop, std::move(client.socket)),
      proc_entry_(settings_.proc_directory, settings_.service, process.log) {
  process_.client_names.want(peer_.ip);
  if (settings_.max_sessions == 1) {
    rusage now = {};
    if (::getrusage(RUSAGE_SELF, &now) == 0) used_before_ = std::make_unique<const rusage>(now);
  }
}

net::Task<void> Session::serve() {
  try {
    co_await run();
  } catch (const std::exception& error) {
    // Out of memory, or a defect: this session ends, the process and the other sessions live.
    process_.log.error("session <" + id_ + "> failed: " + error.what());
    end_ = SessionEnd::failed;
  }
  try {
    co_await discharge();
  } catch (const std::exception& error) {
    process_.log.error("session <" + id_ + "> is counted until this process ends: " + error.what());
  }
  log_end();
}

net::Task<void> Session::run() {
  proc_entry_.show(client(), "", "");
  stream_.set_idle_timeout(settings_.idle_timeout);
  stream_.set_deadline(arrived_ + settings_.login_deadline);
  // A co_await behind && makes g++ 12 build a frame that traps when it is resumed: conditions are named first.
  if (settings_.implicit_tls) {
    const bool secured = co_await implicit_tls();
    if (!secured) co_return;
  }
  if (!pop3::lacks_required_tls(rules())) apop_challenge_ = process_.authenticator.apop_challenge();
  put(pop3::greeting(settings_.server_info, settings_.server_name, server::kVersion, apop_challenge_));
  const bool logged_in = co_await authorization();
  if (logged_in) co_await transaction();
  over_ = net::Clock::now();
  co_await discharge();  // before the last reply: who reads it may come again at once
  co_await stream_.close(kClosePatience);
}

net::Task<bool> Session::implicit_tls() {
  const auto context = configured_->tls->context();  // held until the handshake is over
  const auto info = co_await stream_.start_tls(*context);
  if (!info) {
    process_.log.notice("pop3s failed: " + client() + ": " + info.error().text);
    if (end_ != SessionEnd::stopped) end_ = SessionEnd::tls_failed;
    co_return false;
  }
  note_tls(*info);
  co_return true;
}

void Session::note_tls(const net::TlsInfo& info) {
  auto kept = std::make_unique<net::TlsInfo>(info);
  if (tls_ends_at_proxy_) {  // ours is with the proxy: its certificate is no client's, and no client knows the binding
    kept->client_name.clear();
    kept->binding = net::ChannelBinding();
  }
  tls_ = std::move(kept);
  process_.log.notice("starttls: " + info.version + " with cipher " + info.cipher + " (" + std::to_string(info.bits) +
                      "/" + std::to_string(info.algorithm_bits) + " bits " + (info.resumed ? "reused" : "new") + ") " +
                      (info.client_name.empty() ? "no authentication" : "authenticated as " + info.client_name) +
                      (info.protocol.empty() ? "" : "; application protocol = " + info.protocol));
  if (!info.client_problem.empty()) {
    process_.log.warning("client certificate from " + client() + " gives no identity: " + info.client_problem);
  }
}

// RFC 1939 s4. True when a maildrop is open.
net::Task<bool> Session::authorization() {
  while (!ending_) {
    if (guard_->is_used_up()) {
      end_ = SessionEnd::failed_logins;
      co_return false;
    }
    auto command = co_await next_command(pop3::State::authorization);
    if (!command) co_return false;
    if (std::holds_alternative<pop3::Quit>(*command)) {
      end_ = SessionEnd::quit;
      put(pop3::ok());
      co_return false;
    }
    if (std::holds_alternative<pop3::Capa>(*command)) {
      put(capabilities(pop3::State::authorization));
      continue;
    }
    auto step = authorization_.step(std::move(*command), rules());
    if (auto* reply = std::get_if<pop3::Line>(&step)) {
      put(*reply);
    } else if (auto* name = std::get_if<pop3::RefuseName>(&step)) {
      log_bad_login("plaintext", std::move(name->typed), std::string(server::kInvalidUser));
      put(name->reply);
    } else if (auto* attempt = std::get_if<pop3::CheckPassword>(&step)) {
      if (co_await check_password(std::move(*attempt))) co_return true;
    } else if (auto* digest = std::get_if<pop3::CheckApop>(&step)) {
      if (co_await check_apop(std::move(*digest))) co_return true;
    } else if (auto* request = std::get_if<pop3::StartSasl>(&step)) {
      if (co_await sasl(std::move(*request))) co_return true;
    } else if (std::holds_alternative<pop3::ListMechanisms>(step)) {
      put(pop3::mechanism_list(process_.authenticator.mechanisms(channel())));
    } else if (!co_await start_tls()) {
      co_return false;
    }
  }
  co_return false;
}

// RFC 1939 s5. Losing the peer must not enter UPDATE: nothing is removed then (s3, s6).
net::Task<void> Session::transaction() {
  stream_.set_deadline(net::Clock::time_point::max());
  bad_commands_ = 0;
  for (;;) {
    auto command = co_await next_command(pop3::State::transaction);
    if (!command) co_return;
    if (std::holds_alternative<pop3::Quit>(*command)) co_return co_await update();
    if (std::holds_alternative<pop3::Capa>(*command)) {
      put(capabilities(pop3::State::transaction));
      continue;
    }
    const std::uint32_t deleted_before = drop_->deleted();
    pop3::Reply reply = pop3::transact(*command, *drop_, deletion());
    if (drop_->deleted() > deleted_before) {
      ++counts_.deleted;
      audit(AuditedAction::dele, drop_->uid(std::get<pop3::Dele>(*command).number));
    }
    if (!co_await send(std::move(reply))) co_return;
  }
}

// RFC 1939 s6. +OK means that the deletions are durable.
net::Task<void> Session::update() {
  const auto give_up = net::Clock::now() + settings_.lock_timeout;
  for (;;) {
    auto work = [this] {
      auto done = drop_->update(id_);
      if (done) audit_removed(*done);
      return done;
    };
    const auto report = co_await process_.store_pool.run(std::move(work));
    if (report) {
      counts_.updated = true;
      counts_.removed = report->removed;
      end_ = SessionEnd::quit;
      if (report->removed > 0) {
        process_.log.notice("Expunged " + std::to_string(report->removed) + " messages from " + mailbox_);
      }
      put(pop3::ok());
      co_return;
    }
    if (report.error().code != base::Errc::busy || net::Clock::now() >= give_up) {
      process_.log.error("QUIT of <" + id_ + ">: " + std::to_string(drop_->deleted()) + " deletions of " + mailbox_ +
                         " not carried out: " + report.error().text);
      end_ = SessionEnd::not_updated;
      put(pop3::could_not_update(report.error()));
      co_return;
    }
    co_await net::sleep_for(kLockRetry);
  }
}

net::Task<std::optional<pop3::Command>> Session::next_command(pop3::State state) {
  for (;;) {
    if (tell_shutdown()) co_return std::nullopt;
    log_telemetry_trouble();
    waits_for_command_ = true;
    const auto line = co_await stream_.read_line(pop3::kMaxCommandOctets);
    waits_for_command_ = false;
    if (!line) {
      const bool told = line.error().code == base::Errc::timeout && tell_shutdown();
      if (line.error().code != base::Errc::limit) {
        if (!told) lost(line.error());
        co_return std::nullopt;
      }
      if (!bear(pop3::overlong_line(), state)) co_return std::nullopt;
      continue;
    }
    if (settings_.chatty) log_command(*line);
    auto command = pop3::parse_command(*line, state);
    if (state == pop3::State::transaction) {
      const bool vanished = co_await maildrop_vanished(command && std::holds_alternative<pop3::Quit>(*command));
      if (vanished) co_return std::nullopt;
    }
    if (command) {
      if (state == pop3::State::transaction) bad_commands_ = 0;
      co_return std::move(*command);
    }
    if (!bear(command.error(), state)) co_return std::nullopt;
  }
}

// Before login all that is nonsense counts; who has logged in may be wrong now and then for days.
bool Session::bear(const pop3::BadCommand& bad, pop3::State state) {
  put(bad.reply);
  const bool from_a_browser = bad.foreign && state == pop3::State::authorization;
  if (bad.hostile) ++bad_commands_;
  const unsigned limit = settings_.bad_commands;
  if (!from_a_browser && (limit == 0 || bad_commands_ < limit)) return true;
  end_ = from_a_browser ? SessionEnd::refused : SessionEnd::bad_commands;
  return false;
}

net::Task<bool> Session::send(pop3::Reply reply) {
  if (const auto* line = std::get_if<pop3::Line>(&reply)) {
    put(*line);
    if (!stream_.output_is_full()) co_return true;
    const auto sent = co_await stream_.flush();
    if (!sent) lost(sent.error());
    co_return sent.has_value();
  }
  if (const auto* listing = std::get_if<pop3::Listing>(&reply)) co_return co_await send_listing(*listing);
  co_return co_await send_body(std::get<pop3::Body>(reply));
}

net::Task<bool> Session::send_listing(pop3::Listing listing) {
  pop3::ListingWriter writer(listing.kind, *drop_);
  while (writer.write(stream_.output(), kPieceOctets)) {
    const auto sent = co_await stream_.flush();
    if (!sent) {
      lost(sent.error());
      co_return false;
    }
  }
  co_return true;
}

// The first piece is read before +OK, so that most failures are a clean -ERR. A failure later can only be told by
// dropping the connection: a final dot would make half a message a whole one.
net::Task<bool> Session::send_body(pop3::Body body) {
  auto message = drop_->open(body.number, Access::cached_only);
  if (!message && message.error().code == base::Errc::would_block) {
    auto work = [this, number = body.number] { return drop_->open(number, Access::may_block); };
    message = co_await process_.store_pool.run(std::move(work));
  }

  std::string piece;
  pop3::BodyEncoder encoder(body.top_lines);
  std::uint64_t offset = 0;
  base::Result<std::size_t> got = std::size_t{0};
  bool wanted = true;
  for (bool first = true; message && wanted; first = false) {
    const std::uint64_t left = (*message)->size() - offset;
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, kPieceOctets)));
    got = (*message)->read(piece, offset, Access::cached_only);
    if (!got && got.error().code == base::Errc::would_block) {
      auto work = [&piece, offset, open = message->get()] { return open->read(piece, offset, Access::may_block); };
      got = co_await process_.store_pool.run(std::move(work));
    }
    if (got && *got == 0 && left > 0) got = base::fail(base::Errc::corrupt, "message ends before its size");
    if (!got) break;
    offset += *got;
    if (first) stream_.output() += pop3::kMessageFollows;
    wanted = encoder.encode(std::string_view(piece).substr(0, *got), stream_.output()) && offset < (*message)->size();
    if (stream_.output_is_full()) {
      const auto sent = co_await stream_.flush();
      if (!sent) {
        lost(sent.error());
        if (!body.top_lines) audit(AuditedAction::retr_cut, drop_->uid(body.number));
        co_return false;
      }
    }
  }

  if (!message || !got) {
    const base::Error& error = message ? got.error() : message.error();
    process_.log.error("message " + std::to_string(value(body.number)) + " of " + mailbox_ + ": " + error.text);
    if (offset > 0) {
      end_ = SessionEnd::broken_reply;
      if (!body.top_lines) audit(AuditedAction::retr_cut, drop_->uid(body.number));
      co_return false;
    }
    put(pop3::could_not_read_message(error));
    co_return true;
  }
  encoder.finish(stream_.output());
  if (body.top_lines) {
    ++counts_.topped;
  } else {
    ++counts_.retrieved;
    drop_->mark_retrieved(body.number);
  }
  audit(body.top_lines ? AuditedAction::top : AuditedAction::retr, drop_->uid(body.number));
  co_return true;
}

pop3::Line Session::capabilities(pop3::State state) {
  const std::string mechanisms = process_.authenticator.mechanisms(channel());
  pop3::CapabilityFacts facts;
  facts.state = state;
  facts.rules = rules();
  facts.sasl_layer = stream_.has_layer();
  facts.mechanisms = mechanisms;
  facts.expire_days = settings_.expire_days;
  facts.login_delay_seconds = settings_.login_delay;
  facts.server_info = settings_.server_info;
  facts.version = server::kVersion;
  return pop3::capabilities(facts);
}

pop3::Deletion Session::deletion() const {
  if (settings_.read_only) return pop3::Deletion::read_only;
  return drop_->may_delete() ? pop3::Deletion::allowed : pop3::Deletion::denied;
}

auth::Channel Session::channel() const {
  auth::Channel out;
  out.local_ip = local_.ip;
  out.local_port = local_.port;
  out.peer_ip = peer_.ip;
  out.peer_port = peer_.port;
  out.tls = has_tls();
  out.external_ssf = std::max(tls_bits(), settings_.login_rules.external_ssf);
  out.layers = true;
  if (tls_) {
    out.binding_type = tls_->binding.type;
    out.binding = tls_->binding.data;
    out.certificate_name = tls_->client_name;
  }
  return out;
}

// A proxy tells the cipher's name, not its strength: what every cipher of TLS 1.2 and 1.3 has.
int Session::tls_bits() const {
  constexpr int kAtLeast = 128;
  return tls_ ? tls_->bits : tls_at_proxy_ ? kAtLeast : 0;
}

pop3::LoginRules Session::rules() const {
  pop3::LoginRules out = settings_.login_rules;
  out.tls_active = has_tls();
  out.apop_offered = !apop_challenge_.empty();
  return out;
}

}  // namespace pop3d

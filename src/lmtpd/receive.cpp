// DATA: from the wire to the disk, into each mailbox, and one reply for each recipient (RFC 2033 s4.2).

#include "lmtp/data_decoder.hpp"
#include "lmtpd/session.hpp"
#include "net/timer.hpp"
#include "server/version.hpp"

#include <ctime>
#include <utility>

namespace lmtpd {
namespace {

/// How much of a message is collected before it is written to disk.
constexpr std::size_t kPieceOctets = 128 * 1024;

}  // namespace

net::Task<bool> Session::receive_message() {
  ++transactions_;
  auto incoming = std::make_unique<Incoming>(configured_->store, *configured_->delivery, intake_options());
  put(lmtp::go_ahead());
  std::string last_piece;
  const bool whole = co_await read_message(*incoming, last_piece);
  if (whole) {
    delivering_ = true;
    co_await deliver(*incoming, std::move(last_piece));
  }
  if (incoming->holds_file()) {
    auto forget = [&incoming] { incoming.reset(); };  // where blocking is fine
    co_await process_.store_pool.run(std::move(forget));
  }
  end_transaction();
  if (!whole) co_return false;
  const auto sent = co_await stream_.flush();
  delivering_ = false;
  co_return sent.has_value();
}

// Reads to the end of the message, and hands all but the last piece to `incoming`. False: the peer is gone, and nothing
// may be delivered.
net::Task<bool> Session::read_message(Incoming& incoming, std::string& last_piece) {
  lmtp::DataDecoder decoder;
  for (;;) {
    const auto octets = co_await stream_.read_octets();
    if (!octets) {
      process_.log.notice("session <" + id_ + "> of " + client() +
                          " ended inside a message, which is dropped: " + octets.error().text);
      co_return false;
    }
    const auto done = decoder.decode(*octets, last_piece);
    stream_.consume(done.consumed);
    if (done.finished) co_return true;
    if (last_piece.size() < kPieceOctets) continue;
    if (!incoming.refused()) {
      auto work = [&incoming, &last_piece] { incoming.write(last_piece); };
      co_await process_.store_pool.run(std::move(work));
    }
    last_piece.clear();
  }
}

net::Task<void> Session::deliver(Incoming& incoming, std::string last_piece) {
  auto work = [this, &incoming, &last_piece] {
    incoming.write(last_piece);
    incoming.finish();
    return incoming.refused() || incoming.deliver(deliveries_);
  };
  bool done = co_await process_.store_pool.run(std::move(work));
  const auto give_up = net::Clock::now() + settings_.lock_timeout;
  while (!done && net::Clock::now() < give_up) {
    co_await net::sleep_for(kLockRetry);
    auto again = [this, &incoming] { return incoming.deliver(deliveries_); };
    done = co_await process_.store_pool.run(std::move(again));
  }
  if (incoming.refused()) {
    process_.log.notice("session <" + id_ + "> of " + client() + ": message refused: " + incoming.failure());
  }
  for (const Delivery& delivery : deliveries_) answer(incoming, delivery);
}

void Session::answer(const Incoming& incoming, const Delivery& delivery) {
  if (incoming.refused()) return put(lmtp::refusal(*incoming.refused(), id_));
  const std::string& id = incoming.message_id();
  if (!delivery.outcome) {
    process_.log.warning("message " + id + " for " + delivery.request.user + " not delivered: the mailbox is locked");
    return put(lmtp::refusal(lmtp::Refused::busy, id_));
  }
  const auto& outcome = *delivery.outcome;
  if (!outcome) {
    process_.log.error("message " + id + " for " + delivery.request.user + " not delivered: " + outcome.error().text);
    return put(lmtp::refusal(refused_for(outcome.error(), settings_.over_quota_always), id_));
  }
  put(lmtp::delivered(id_));
}

cyrus::IntakeOptions Session::intake_options() {
  const lmtp::Mail& mail = conversation_.envelope()->mail;
  Trace trace;
  trace.sender = mail.sender;
  trace.client_name = conversation_.client_name();
  trace.client = client();
  trace.server_name = settings_.rules.server_name;
  trace.software = settings_.software;
  trace.user = user_;
  if (tls_) trace.tls = tls_->version + " with cipher " + tls_->cipher + " (" + std::to_string(tls_->bits) + " bits)";
  trace.id = id_.substr(settings_.session_id_base.size() + 1) + "-" + std::to_string(transactions_);
  trace.date = rfc5322_date(std::time(nullptr));
  trace.utf8 = mail.utf8;

  cyrus::IntakeOptions out;
  out.trace_headers = trace_headers(trace);
  out.message_id = "<" + trace.id + "@" + trace.server_name + ">";
  out.date = trace.date;
  out.reject_8bit = settings_.reject_8bit && !mail.utf8;
  out.munge_8bit = settings_.munge_8bit && !mail.utf8;
  out.max_octets = settings_.rules.max_octets;
  out.partition = partition_;
  return out;
}

}  // namespace lmtpd

#include "lmtpd/incoming.hpp"

#include "base/check.hpp"

#include <cerrno>
#include <utility>

namespace lmtpd {
namespace {

bool is_full_disk(const base::Error& error) {
  return error.errnum == ENOSPC || error.errnum == EDQUOT || error.errnum == EFBIG;
}

lmtp::Refused refused_for(cyrus::TextFault fault) {
  switch (fault) {
    case cyrus::TextFault::nul:
      return lmtp::Refused::has_nul;
    case cyrus::TextFault::eight_bit_header:
      return lmtp::Refused::eight_bit_header;
    case cyrus::TextFault::too_large:
      return lmtp::Refused::too_big;
    case cyrus::TextFault::malformed_header:
    case cyrus::TextFault::empty_message_id:
      break;
  }
  return lmtp::Refused::bad_header;
}

}  // namespace

Incoming::Incoming(const cyrus::StoreConfig& config, const cyrus::Delivery& delivery, cyrus::IntakeOptions options)
    : config_(config), delivery_(delivery), options_(std::move(options)) {}

// The stage file is made when there is something to put into it: most messages come in one piece, and then all the work
// on the disk is done in one go.
bool Incoming::begun() {
  if (refused_) return false;
  if (intake_) return true;
  auto begun = cyrus::MessageIntake::begin(config_, std::move(*options_));
  if (begun) {
    intake_.emplace(std::move(*begun));
  } else {
    fail(begun.error());
  }
  return begun.has_value();
}

void Incoming::fail(const base::Error& error) {
  const auto fault = intake_ ? intake_->fault() : std::nullopt;
  refused_ = fault ? refused_for(*fault) : is_full_disk(error) ? lmtp::Refused::no_space : lmtp::Refused::io;
  failure_ = error.text;
  intake_.reset();
}

void Incoming::write(std::string_view octets) {
  if (!begun()) return;
  if (const auto written = intake_->write(octets); !written) fail(written.error());
}

void Incoming::finish() {
  if (!begun()) return;
  auto message = intake_->finish();
  if (!message) return fail(message.error());
  message_.emplace(std::move(*message));
  message_id_ = message_->facts().message_id;
  intake_.reset();
}

bool Incoming::deliver(std::vector<Delivery>& deliveries) {
  CHECK(message_);
  bool all = true;
  for (Delivery& one : deliveries) {
    if (one.outcome) continue;
    auto outcome = delivery_.deliver(*message_, one.request);
    if (!outcome && outcome.error().code == base::Errc::busy) {
      all = false;
    } else {
      one.outcome = std::move(outcome);
    }
  }
  if (all) message_.reset();
  return all;
}

lmtp::Refused refused_for(const base::Error& error, bool over_quota_always) {
  using base::Errc;
  // What the system says is about a file of ours, and can be mended: nothing that mail must be returned for.
  if (error.errnum != 0 && error.code != Errc::limit && error.code != Errc::busy) {
    return is_full_disk(error) ? lmtp::Refused::no_space : lmtp::Refused::io;
  }
  switch (error.code) {
    case Errc::not_found:
    case Errc::invalid:
      return lmtp::Refused::unknown_user;
    case Errc::limit:
      return over_quota_always ? lmtp::Refused::over_quota_always : lmtp::Refused::over_quota;
    case Errc::permission:
      return lmtp::Refused::no_permission;
    case Errc::busy:
      return lmtp::Refused::busy;
    case Errc::corrupt:
      return lmtp::Refused::bad_mailbox;
    case Errc::unsupported:
      return lmtp::Refused::not_now;
    case Errc::io:
    case Errc::would_block:
    case Errc::timeout:
    case Errc::closed:
      break;
  }
  return is_full_disk(error) ? lmtp::Refused::no_space : lmtp::Refused::io;
}

}  // namespace lmtpd

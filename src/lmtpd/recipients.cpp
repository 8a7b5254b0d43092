// RCPT: whose mailbox an address means, and whether it would take the message.

#include "lmtpd/session.hpp"
#include "net/timer.hpp"
#include "server/login_attempt.hpp"

#include <utility>

namespace lmtpd {

net::Task<void> Session::check_recipient(lmtp::CheckRecipient wanted) {
  const Target target = target_of(wanted.recipient, settings_.recipients);
  cyrus::DeliveryRequest request;
  request.user = target.user;
  request.folder = target.folder;
  request.domain = target.domain;
  request.session_id = id_;
  request.ignore_quota = wanted.ignore_quota;
  request.fuzzy_folder = settings_.fuzzy_folders;
  request.may_create = !settings_.create_for_known;

  base::Result<cyrus::Recipient> found = base::fail(base::Errc::not_found, "recipient without a user");
  if (target.shared && !target.folder.empty()) {
    found = co_await find(request);
  } else if (!target.user.empty()) {
    found = co_await find(request);
    if (!found && found.error().code == base::Errc::not_found && settings_.create_for_known) {
      request.may_create = co_await has_password(target.user);
      if (request.may_create) found = co_await find(request);
    }
  }
  // A folder that no mailbox can be named like goes to INBOX, as one that is missing does.
  if (!found && found.error().code == base::Errc::invalid && !target.shared && !request.folder.empty()) {
    request.folder.clear();
    found = co_await find(request);
  }
  if (!found && found.error().code == base::Errc::not_found && !settings_.catch_all_user.empty()) {
    request.user = settings_.catch_all_user;
    request.domain.clear();
    request.folder.clear();
    found = co_await find(request);
  }

  if (!found) {
    const auto why = refused_for(found.error(), settings_.over_quota_always);
    process_.log.info("recipient " + lmtp::to_text(wanted.recipient) + " refused: " + found.error().text);
    put(lmtp::refusal(why, id_));
    co_return;
  }
  if (deliveries_.empty()) partition_ = found->partition;
  deliveries_.emplace_back(std::move(request));
  put(conversation_.accept_recipient());
}

// A lock that somebody else holds keeps this client waiting on a timer, never a thread of the pool.
net::Task<base::Result<cyrus::Recipient>> Session::find(cyrus::DeliveryRequest request) {
  const std::uint64_t octets = conversation_.envelope()->mail.size.value_or(0);
  const auto give_up = net::Clock::now() + settings_.lock_timeout;
  for (;;) {
    auto work = [this, &request, octets] { return configured_->delivery->check_recipient(request, octets); };
    auto found = co_await process_.store_pool.run(std::move(work));
    if (found || found.error().code != base::Errc::busy || net::Clock::now() >= give_up) co_return found;
    co_await net::sleep_for(kLockRetry);
  }
}

// A password database that cannot tell makes nobody an INBOX: the log says so, and the sender hears of no such user.
net::Task<bool> Session::has_password(std::string user) {
  server::LoginAttempt attempt(process_, channel());
  const auto known = co_await attempt.knows(std::move(user));
  if (!known) process_.log.error("lmtp_autocreate_known_users: " + known.error().text);
  co_return known.value_or(false);
}

}  // namespace lmtpd

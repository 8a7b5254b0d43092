// What an administrator wants of sessions: how many there may be, and when they have to end.

#include "net/timer.hpp"
#include "pop3d/session.hpp"

#include <utility>

namespace pop3d {
namespace {

/// How long the table of logins may be locked by somebody before a login goes on uncounted.
constexpr std::chrono::seconds kTablePatience{2};

/// Cyrus's words, for client and log alike.
std::string too_many(const server::Entrance& entrance, const server::LoginLimits& limits, const std::string& client,
                     const std::string& user) {
  std::string text = "Too many open connections (";
  if (limits.per_host > 0) {
    text += std::to_string(entrance.of_host) + " of " + std::to_string(limits.per_host) + " from host " + client;
  }
  if (limits.per_user > 0) {
    if (limits.per_host > 0) text += ", ";
    text += std::to_string(entrance.of_user) + " of " + std::to_string(limits.per_user) + " for " + user;
  }
  return text + ")";
}

/// For how long a maildrop that was there is believed to be there.
constexpr std::chrono::seconds kMaildropLook{1};

}  // namespace

// Only those who have shown who they are count, and each counts once. A table that cannot be used stops nobody: mail
// that cannot be read is worse than a session too many.
net::Task<bool> Session::admit(std::string user) {
  server::LoginTable* const logins = configured_->logins.get();
  if (logins == nullptr) co_return true;
  const auto give_up = net::Clock::now() + kTablePatience;
  for (;;) {
    auto work = [logins, &user, host = peer_.ip] { return logins->enter(user, host); };
    const auto entrance = co_await process_.store_pool.run(std::move(work));
    if (entrance && entrance->ticket) {
      login_ticket_ = *entrance->ticket;
      co_return true;
    }
    if (entrance) {
      const std::string text = too_many(*entrance, logins->limits(), client(), user);
      process_.log.error(text);
      put(pop3::err_foreign(text));
      drop_.reset();
      co_return false;
    }
    if (entrance.error().code != base::Errc::busy || net::Clock::now() >= give_up) {
      process_.log.error("session <" + id_ + "> is not counted: " + entrance.error().text);
      co_return true;
    }
    co_await net::sleep_for(kLockRetry);
  }
}

// proc/ first: who stands there and not in the table is taken for a session of Cyrus.
net::Task<void> Session::discharge() {
  proc_entry_.hide();
  const std::uint64_t ticket = std::exchange(login_ticket_, 0);
  if (ticket == 0) co_return;
  auto work = [this, ticket] { configured_->logins->leave(ticket); };
  co_await process_.store_pool.run(std::move(work));
}

// Cyrus looks at each command. A look takes locks and reads files, so here one serves all commands of a second; only
// the last command, which would change the mailbox, always gets its own.
net::Task<bool> Session::maildrop_vanished(bool is_last_command) {
  if (!settings_.leaves_vanished) co_return false;
  const auto now = net::Clock::now();
  if (!is_last_command && now - looked_for_maildrop_ < kMaildropLook) co_return false;
  looked_for_maildrop_ = now;
  auto work = [this] { return drop_->is_gone(); };
  const bool is_gone = co_await process_.store_pool.run(std::move(work));
  if (is_gone) {
    process_.log.warning("Maildrop " + mailbox_ + " has been (re)moved out from under client");
    put(pop3::err("[SYS/TEMP] Maildrop has been (re)moved"));
    end_ = SessionEnd::vanished;
  }
  co_return is_gone;
}

// Cyrus: looked at before each command, so a QUIT that comes too late commits nothing.
bool Session::tell_shutdown() {
  const std::string* text = process_.shutdown.text();
  if (text == nullptr) return false;
  put(pop3::err_foreign("[SYS/TEMP] " + *text));
  end_ = SessionEnd::shut_down;
  return true;
}

}  // namespace pop3d

#include "cyrus/tell_others.hpp"

#include "cyrus/idle_notify.hpp"
#include "cyrus/status_cache.hpp"
#include "cyrus/sync_log.hpp"

#include <chrono>
#include <thread>

namespace cyrus {

// The lock of that file is taken for a moment by everybody; counts that are not true any more would stay for long.
base::Result<void> forget_status_patiently(const StoreConfig& config, const MailboxName& name) {
  constexpr std::chrono::seconds kPatience(5);
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    auto forgotten = forget_status(config, name);
    const bool is_over = std::chrono::steady_clock::now() >= give_up;
    if (forgotten || forgotten.error().code != base::Errc::busy || is_over) return forgotten;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

std::string tell_others(const StoreConfig& config, const MailboxName& name, Told what) {
  std::string failures;
  if (const auto logged = log_mailbox_change(config, name); !logged) failures = "sync log: " + logged.error().text;
  if (what == Told::of_login) return failures;
  if (const auto forgotten = forget_status_patiently(config, name); !forgotten) {
    if (!failures.empty()) failures += "; ";
    failures += "statuscache still has the old counts: " + forgotten.error().text;
  }
  notify_idle(config, name);
  return failures;
}

}  // namespace cyrus

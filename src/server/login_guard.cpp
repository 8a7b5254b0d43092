#include "server/login_guard.hpp"

#include <ctime>
#include <utility>

namespace server {

LoginGuard::LoginGuard(const Process& process, const DoorSettings& door, std::optional<net::IpAddress> address,
                       Crowd::Place place)
    : process_(process),
      penalties_(door.penalties),
      address_(address),
      place_(std::move(place)),
      most_failures_(door.failures_per_connection) {}

// A file that cannot be used stops nobody: mail that cannot be read is worse than a password that can be guessed
// faster.
net::Task<std::chrono::milliseconds> LoginGuard::penalty() {
  using std::chrono::milliseconds;
  if (!penalties_ || !address_) co_return milliseconds(0);
  auto work = [this] { return penalties_->wait_of(*address_, std::time(nullptr)); };
  const auto wait = co_await process_.store_pool.run(std::move(work));
  if (!wait) process_.log.error("failed logins are not counted: " + wait.error().text);
  co_return wait.value_or(milliseconds(0));
}

net::Task<void> LoginGuard::note_failure() {
  ++failures_;
  if (!penalties_ || !address_) co_return;
  auto work = [this] { return penalties_->count_failure(*address_, std::time(nullptr)); };
  const auto counted = co_await process_.store_pool.run(std::move(work));
  if (!counted) process_.log.error("failed logins are not counted: " + counted.error().text);
}

}  // namespace server

#pragma once

#include "net/task.hpp"
#include "server/crowd.hpp"
#include "server/door_settings.hpp"
#include "server/process.hpp"

#include <chrono>
#include <memory>
#include <optional>

namespace server {

/// What one connection's wrong passwords cost it and its address. Made by the door, used by the session.
class LoginGuard {
 public:
  /// `address` nullopt: nobody to be limited or delayed. `process` outlives it.
  LoginGuard(const Process& process, const DoorSettings& door, std::optional<net::IpAddress> address,
             Crowd::Place place);

  /// How long a password, right or wrong, has to wait before it is looked at, for what others of the client's address
  /// did: a bounded time.
  net::Task<std::chrono::milliseconds> penalty();

  /// A password was wrong, or what stands for one.
  net::Task<void> note_failure();

  /// An exchange was broken off by this client before it was decided: work for nothing.
  void note_broken_off() { ++failures_; }

  /// True when this connection has had all its attempts: it is closed instead of another one.
  bool is_used_up() const { return most_failures_ > 0 && failures_ >= most_failures_; }

  /// The client has logged in, or need not: it counts no more among those who have not.
  void let_in() { place_.leave(); }

 private:
  const Process& process_;
  std::shared_ptr<Penalties> penalties_;  // null: none
  std::optional<net::IpAddress> address_;
  Crowd::Place place_;
  unsigned most_failures_;
  unsigned failures_ = 0;
};

}  // namespace server

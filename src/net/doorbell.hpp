#pragma once

#include "base/unique_fd.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace net {

/// A thread that waits until a listening socket has a connection, and says so. It waits with EPOLLEXCLUSIVE, so that
/// the kernel wakes one of the processes that wait and passes over those that do not wait now.
class Doorbell {
 public:
  /// Borrows `listening`, which must stay open as long as the doorbell. `ring` is called on the doorbell's thread.
  /// Throws std::system_error when the system refuses a descriptor or the thread.
  Doorbell(int listening, std::function<void()> ring);
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;
  /// Waits for a `ring` that is under way.
  ~Doorbell();

  /// Rings once, as soon as a connection is there; at once when one is there already.
  void arm();
  /// Takes arm() back. False when it has rung already, or is just about to.
  bool disarm();

 private:
  void serve();
  bool wait_for_connection();
  void wake();

  int listening_;
  std::function<void()> ring_;
  base::UniqueFd epoll_;
  base::UniqueFd event_;  // wakes the thread out of epoll_wait
  std::mutex mutex_;
  std::condition_variable changed_;
  bool armed_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace net

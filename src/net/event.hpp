#pragma once

#include "net/task.hpp"
#include "net/timer.hpp"

#include <boost/asio/steady_timer.hpp>

namespace net {

/// Lets one coroutine wait until another part of the loop has news for it. Not thread-safe: loop only.
class Event {
 public:
  explicit Event(Loop& loop) : timer_(loop) {}

  /// Wakes whoever waits; when nobody does, the next wait returns at once.
  void notify();

  /// Waits for notify() or until `time` is over. True when notified. One waiter at a time.
  Task<bool> wait_for(Clock::duration time);

 private:
  boost::asio::steady_timer timer_;
  bool notified_ = false;
};

}  // namespace net

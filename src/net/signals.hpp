#pragma once

#include "net/task.hpp"

#include <initializer_list>
#include <memory>

namespace net {

/// Signals as events of the loop. While it lives the given signals do nothing else; none that arrives between two calls
/// of next() is lost, though several of one kind may come as one. System calls under way are restarted.
class Signals {
 public:
  /// Throws std::system_error when a number is no signal that can be caught.
  Signals(Loop& loop, std::initializer_list<int> signals);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  /// The number of the next signal; 0 when cancelled or when the Signals are destroyed.
  Task<int> next();

  /// Ends a next() that is under way.
  void cancel();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace net

#pragma once

#include "net/task.hpp"

#include <functional>

namespace net {

class LoopEndService;

/// Calls `stop` once when the loop is destroyed before this object: for objects with threads of their own, which must
/// not post to a loop that is gone. Everything the loop still holds can be handed back to it inside `stop`.
///
/// Made and destroyed on the loop's thread, or while the loop does not run.
class LoopEnd {
 public:
  LoopEnd(Loop& loop, std::function<void()> stop);
  LoopEnd(const LoopEnd&) = delete;
  LoopEnd& operator=(const LoopEnd&) = delete;
  ~LoopEnd();

 private:
  friend class LoopEndService;
  LoopEndService* service_;  // nullptr once the loop has ended
  std::function<void()> stop_;
};

}  // namespace net

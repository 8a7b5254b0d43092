#pragma once

#include "net/task.hpp"

#include <cstddef>
#include <string>

namespace net {

/// A fixed number of threads for calls that may block (disk, SASL). Authentication and store work have pools of their
/// own: a slow saslauthd must not hold up a RETR. Destruction waits for the calls under way, not for those queued.
class WorkerPool {
 public:
  /// `name` becomes the threads' name (15 bytes, see pthread_setname_np).
  WorkerPool(Loop& loop, std::size_t threads, const std::string& name);

  /// Runs `work` on a thread of the pool and resumes the caller on the loop with what it returned.
  /// An exception from `work` is rethrown in the caller. Name the callable first and move it in: g++ 12 destroys
  /// temporaries of a co_await expression twice when they have no constructor of their own.
  template <class Work>
  Task<std::invoke_result_t<Work&>> run(Work work);
};

}  // namespace net

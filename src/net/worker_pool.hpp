#pragma once

#include "net/task.hpp"

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace net {

/// A fixed number of threads for calls that may block (disk, SASL). Authentication and store work have pools of their
/// own: a slow saslauthd must not hold up a RETR.
///
/// Made, used and destroyed on the loop's thread, or while the loop does not run. Destruction waits for the calls under
/// way, not for those queued: their callers are never resumed, their coroutines are destroyed on the loop. The same
/// happens when the loop is destroyed first.
class WorkerPool {
 public:
  /// `name` becomes the threads' name (15 bytes, see pthread_setname_np). Throws std::system_error without threads.
  WorkerPool(Loop& loop, std::size_t threads, const std::string& name);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool();

  /// Runs `work` on a thread of the pool and resumes the caller on the loop with what it returned.
  /// An exception from `work` is rethrown in the caller. Name the callable first and move it in: g++ 12 destroys
  /// temporaries of a co_await expression twice when they have no constructor of their own.
  template <class Work>
  Task<std::invoke_result_t<Work&>> run(Work work);

  /// Calls that wait for a thread, those under way not counted.
  std::size_t queued() const;

 private:
  // What a thread executes. Lives in the frame of run(), which stays suspended until the call is over.
  class Call {
   public:
    virtual void execute() noexcept = 0;

   protected:
    ~Call() = default;
  };
  template <class Work>
  class CallOf;
  class Core;

  Task<void> execute(Call& call);

  std::unique_ptr<Core> core_;
};

template <class Work>
class WorkerPool::CallOf final : public WorkerPool::Call {
 public:
  using Value = std::invoke_result_t<Work&>;

  explicit CallOf(Work work) : work_(std::move(work)) {}

  void execute() noexcept override {
    try {
      if constexpr (std::is_void_v<Value>) {
        work_();
      } else {
        value_.emplace(work_());
      }
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  Value take() {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    if constexpr (!std::is_void_v<Value>) return std::move(*value_);
  }

 private:
  struct Nothing {};

  Work work_;
  std::conditional_t<std::is_void_v<Value>, Nothing, std::optional<Value>> value_;
  std::exception_ptr failure_;
};

template <class Work>
Task<std::invoke_result_t<Work&>> WorkerPool::run(Work work) {
  static_assert(!std::is_reference_v<std::invoke_result_t<Work&>>, "work returns a value, not a reference");
  CallOf<Work> call(std::move(work));
  co_await execute(call);
  co_return call.take();
}

}  // namespace net

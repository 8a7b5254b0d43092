// A queue under one mutex. Whoever takes a job out of it owns the suspended caller: a thread hands it back to the loop
// when the call is over, stop() destroys it. So each caller is resumed or destroyed exactly once.
#include "net/worker_pool.hpp"

#include "base/check.hpp"
#include "net/loop_end.hpp"
#include "net/thread.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace net {

class WorkerPool::Core {
 public:
  // A call and the suspended coroutine that waits for it.
  class Job {
   public:
    virtual ~Job() = default;
    virtual void run() noexcept = 0;
  };

  template <class Handler>
  class JobOf final : public Job {
   public:
    JobOf(Call& call, Handler handler) : call_(call), handler_(std::move(handler)) {}
    void run() noexcept override {
      call_.execute();
      // To the executor of the coroutine: the loop. Its lock makes the call's result visible there.
      boost::asio::post(std::move(handler_));
    }

   private:
    Call& call_;
    Handler handler_;
  };

  Core(Loop& loop, std::size_t threads, const std::string& name) : end_(loop, [this] { stop(); }) {
    CHECK(threads > 0);
    try {
      for (std::size_t i = 0; i < threads; ++i) threads_.push_back(start_thread(name, [this] { serve(); }));
    } catch (...) {
      stop();
      throw;
    }
  }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core() { stop(); }

  void push(std::unique_ptr<Job> job) {
    {
      const std::lock_guard lock(mutex_);
      CHECK(!stopping_);
      queue_.push_back(std::move(job));
    }
    ready_.notify_one();
  }

  std::size_t queued() const {
    const std::lock_guard lock(mutex_);
    return queue_.size();
  }

  void stop() noexcept {
    std::deque<std::unique_ptr<Job>> abandoned;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      abandoned.swap(queue_);
    }
    ready_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    // `abandoned` goes here, outside the lock: each job hands its coroutine to the loop for destruction.
  }

 private:
  void serve() {
    for (;;) {
      std::unique_ptr<Job> job;
      {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (stopping_) return;
        job = std::move(queue_.front());
        queue_.pop_front();
      }
      job->run();
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::unique_ptr<Job>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
  LoopEnd end_;
};

WorkerPool::WorkerPool(Loop& loop, std::size_t threads, const std::string& name)
    : core_(std::make_unique<Core>(loop, threads, name)) {}

WorkerPool::~WorkerPool() = default;

std::size_t WorkerPool::queued() const { return core_->queued(); }

Task<void> WorkerPool::execute(Call& call) {
  // The initiation runs when this coroutine is already suspended: a thread that is done at once cannot overtake it.
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
      [this, &call](auto handler) {
        core_->push(std::make_unique<Core::JobOf<decltype(handler)>>(call, std::move(handler)));
      },
      boost::asio::use_awaitable);
}

}  // namespace net

#include "net/worker_pool.hpp"

#include "net/timer.hpp"
#include "net_support.hpp"

#include <atomic>
#include <future>
#include <optional>
#include <pthread.h>
#include <signal.h>
#include <stdexcept>
#include <vector>

namespace net {
namespace {

using testing::run;
using testing::spawn;
using namespace std::chrono_literals;

Task<void> square(WorkerPool& pool, int value, int& into, std::thread::id& resumed_on) {
  auto work = [value] { return value * value; };
  into = co_await pool.run(std::move(work));
  resumed_on = std::this_thread::get_id();
}

TEST(WorkerPool, ResumesTheCallerOnTheLoopWithTheResult) {
  Loop loop;
  WorkerPool pool(loop, 1, "test");
  int result = 0;
  std::thread::id thread;
  run(loop, square(pool, 7, result, thread));
  EXPECT_EQ(result, 49);
  EXPECT_EQ(thread, std::this_thread::get_id());
}

Task<void> describe_thread(WorkerPool& pool, std::string& name, std::thread::id& id, sigset_t& blocked) {
  auto work = [&] {
    char text[16] = {};
    pthread_getname_np(pthread_self(), text, sizeof(text));
    name = text;
    id = std::this_thread::get_id();
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  };
  co_await pool.run(std::move(work));
}

TEST(WorkerPool, WorksOnNamedThreadsThatTakeNoSignals) {
  Loop loop;
  WorkerPool pool(loop, 1, "a-rather-long-name");
  std::string name;
  std::thread::id id;
  sigset_t blocked;
  run(loop, describe_thread(pool, name, id, blocked));
  EXPECT_EQ(name, "a-rather-long-n");
  EXPECT_NE(id, std::this_thread::get_id());
  EXPECT_EQ(sigismember(&blocked, SIGTERM), 1);
  EXPECT_EQ(sigismember(&blocked, SIGHUP), 1);
  EXPECT_EQ(sigismember(&blocked, SIGSEGV), 0);
}

Task<void> fail_in_pool(WorkerPool& pool, std::string& what) {
  auto work = []() -> int { throw std::runtime_error("no disk"); };
  try {
    what = std::to_string(co_await pool.run(std::move(work)));
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
}

TEST(WorkerPool, RethrowsInTheCaller) {
  Loop loop;
  WorkerPool pool(loop, 2, "test");
  std::string what;
  run(loop, fail_in_pool(pool, what));
  EXPECT_EQ(what, "no disk");
}

// Counts its live copies: what crosses the pool is destroyed as often as it is made.
struct Counted {
  explicit Counted(std::atomic<int>& counter) : live(&counter) { ++*live; }
  Counted(const Counted& other) : live(other.live) { ++*live; }
  Counted(Counted&& other) noexcept : live(other.live) { ++*live; }
  Counted& operator=(const Counted&) = delete;
  Counted& operator=(Counted&&) = delete;
  ~Counted() { --*live; }
  std::atomic<int>* live;
};

Task<void> pass_through(WorkerPool& pool, std::atomic<int>& live, bool& resumed) {
  auto work = [counted = Counted(live)] { return counted; };
  const Counted back = co_await pool.run(std::move(work));
  resumed = back.live == &live;
}

TEST(WorkerPool, DestroysWorkAndResultOnce) {
  std::atomic<int> live = 0;
  {
    Loop loop;
    WorkerPool pool(loop, 2, "test");
    bool resumed = false;
    run(loop, pass_through(pool, live, resumed));
    EXPECT_TRUE(resumed);
  }
  EXPECT_EQ(live, 0);
}

Task<void> count_up(WorkerPool& pool, std::atomic<int>& calls, int& resumed) {
  for (int i = 0; i < 200; ++i) {
    auto work = [&calls] { return ++calls; };
    static_cast<void>(co_await pool.run(std::move(work)));
    ++resumed;
  }
}

TEST(WorkerPool, LosesNoWakeUp) {
  Loop loop;
  WorkerPool pool(loop, 4, "test");
  std::atomic<int> calls = 0;
  int resumed = 0;
  for (int i = 0; i < 100; ++i) spawn(loop, count_up(pool, calls, resumed));
  loop.run();
  EXPECT_EQ(calls, 20'000);
  EXPECT_EQ(resumed, 20'000);
}

Task<void> wait_for(WorkerPool& pool, std::shared_future<void> gate, int& resumed, Counted) {
  auto work = [gate] { gate.wait(); };
  co_await pool.run(std::move(work));
  ++resumed;
}

struct Blocked {
  std::promise<void> gate;
  std::atomic<int> live = 0;
  int resumed = 0;
};

// One call under way, three queued.
void block(Loop& loop, WorkerPool& pool, Blocked& state) {
  const auto gate = state.gate.get_future().share();
  for (int i = 0; i < 4; ++i) spawn(loop, wait_for(pool, gate, state.resumed, Counted(state.live)));
  while (true) {
    loop.poll();
    if (pool.queued() == 3) return;
    std::this_thread::sleep_for(1ms);
  }
}

TEST(WorkerPool, DestructionWaitsForTheCallUnderWayAndDestroysTheQueuedCallers) {
  Blocked state;
  Loop loop;
  std::optional<WorkerPool> pool;
  pool.emplace(loop, 1, "test");
  block(loop, *pool, state);
  testing::Peer opener([&] {
    std::this_thread::sleep_for(20ms);
    state.gate.set_value();
  });
  pool.reset();
  loop.run();
  EXPECT_EQ(state.resumed, 1);
  EXPECT_EQ(state.live, 0);
}

TEST(WorkerPool, OutlivesALoopThatIsDestroyedWithCallsUnderWayAndQueued) {
  Blocked state;
  std::optional<Loop> loop(std::in_place);
  WorkerPool pool(*loop, 1, "test");
  block(*loop, pool, state);
  testing::Peer opener([&] {
    std::this_thread::sleep_for(20ms);
    state.gate.set_value();
  });
  loop.reset();
  EXPECT_EQ(state.resumed, 0);
  EXPECT_EQ(state.live, 0);
}

TEST(WorkerPool, ASlowPoolDoesNotHoldUpAnother) {
  Blocked state;
  Loop loop;
  WorkerPool slow(loop, 1, "slow");
  WorkerPool quick(loop, 1, "quick");
  block(loop, slow, state);
  int result = 0;
  std::thread::id thread;
  spawn(loop, square(quick, 3, result, thread));
  for (int i = 0; i < 5000 && result == 0; ++i) loop.run_for(1ms);
  EXPECT_EQ(result, 9);
  state.gate.set_value();
  loop.run();
  EXPECT_EQ(state.resumed, 4);
}

Task<void> nap(Clock::duration time, Clock::duration& slept) {
  const auto begin = Clock::now();
  co_await sleep_for(time);
  slept = Clock::now() - begin;
}

TEST(Timer, SuspendsOnlyItsCaller) {
  Loop loop;
  Clock::duration a{};
  Clock::duration b{};
  const auto begin = Clock::now();
  spawn(loop, nap(100ms, a));
  spawn(loop, nap(100ms, b));
  loop.run();
  EXPECT_GE(a, 100ms);
  EXPECT_GE(b, 100ms);
  EXPECT_LT(Clock::now() - begin, 190ms);
}

}  // namespace
}  // namespace net

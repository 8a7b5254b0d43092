#include "server/auth_queue.hpp"

#include "net/spawn.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace server {
namespace {

using namespace std::chrono_literals;

/// What hangs until it is let go: a password back end.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

class Answers final : public AuthCall {
 public:
  void run() noexcept override {}
};

class Hangs final : public AuthCall {
 public:
  explicit Hangs(std::shared_ptr<Gate> gate) : gate_(std::move(gate)) {}
  void run() noexcept override { gate_->pass(); }

 private:
  std::shared_ptr<Gate> gate_;
};

struct Bench {
  explicit Bench(std::size_t threads, net::Clock::duration patience)
      : pool(loop, threads, "auth"), queue(loop, pool, threads, patience) {}
  ~Bench() { gate->open(); }

  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  net::Loop loop;
  net::WorkerPool pool;
  AuthQueue queue;
  std::string order;  // a letter for each call that is over: capital when it was answered
  std::vector<net::Clock::duration> times;
};

net::Task<void> ask(Bench& bench, std::string address, std::shared_ptr<AuthCall> call, char letter) {
  const auto begin = net::Clock::now();
  const bool done = co_await bench.queue.run(std::move(address), std::move(call));
  bench.times.push_back(net::Clock::now() - begin);
  bench.order += done ? static_cast<char>(letter - 'a' + 'A') : letter;
}

void hang(Bench& bench, const std::string& address, char letter) {
  net::spawn(bench.loop, ask(bench, address, std::make_shared<Hangs>(bench.gate), letter));
}
void answer(Bench& bench, const std::string& address, char letter) {
  net::spawn(bench.loop, ask(bench, address, std::make_shared<Answers>(), letter));
}

/// Runs the loop until so many calls are over.
void until(Bench& bench, std::size_t calls) {
  const auto give_up = net::Clock::now() + 20s;
  while (bench.order.size() < calls && net::Clock::now() < give_up) {
    if (bench.loop.stopped()) bench.loop.restart();
    bench.loop.run_for(5ms);
  }
}

TEST(AuthQueue, AHangingCallIsAnsweredInTimeAndItsThreadIsLostUntilItReturns) {
  Bench bench(2, 50ms);
  hang(bench, "192.0.2.1", 'a');
  until(bench, 1);
  EXPECT_EQ(bench.order, "a");
  EXPECT_GE(bench.times.front(), 50ms);
  EXPECT_EQ(bench.queue.lost(), 1U);
  answer(bench, "192.0.2.2", 'b');
  until(bench, 2);
  EXPECT_EQ(bench.order, "aB");
  bench.gate->open();
  const auto give_up = net::Clock::now() + 20s;
  while (bench.queue.lost() > 0 && net::Clock::now() < give_up) {
    bench.loop.restart();
    bench.loop.run_for(5ms);
  }
  EXPECT_EQ(bench.queue.lost(), 0U);
}

TEST(AuthQueue, OneAddressDoesNotHaveAllThreads) {
  Bench bench(3, 10s);
  for (char letter = 'a'; letter < 'f'; ++letter) hang(bench, "192.0.2.1", letter);
  answer(bench, "192.0.2.2", 'x');
  until(bench, 1);
  EXPECT_EQ(bench.order, "X");
  EXPECT_EQ(bench.queue.waiting(), 3U);
  bench.gate->open();
  until(bench, 6);
  EXPECT_EQ(bench.order.size(), 6U);
  EXPECT_EQ(bench.queue.waiting(), 0U);
}

TEST(AuthQueue, NeighboursOfOneIpv6NetworkAreOneAddress) {
  EXPECT_EQ(auth_neighbourhood("2001:db8:0:1::5"), auth_neighbourhood("2001:db8:0:1:ffff::1"));
  EXPECT_NE(auth_neighbourhood("2001:db8:0:1::5"), auth_neighbourhood("2001:db8:0:2::5"));
  EXPECT_EQ(auth_neighbourhood("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(auth_neighbourhood(""), "");
}

TEST(AuthQueue, WhenAllThreadsAreLostEverybodyIsToldAtOnce) {
  Bench bench(2, 100ms);
  hang(bench, "192.0.2.1", 'a');
  hang(bench, "192.0.2.2", 'b');
  until(bench, 2);
  bench.times.clear();
  answer(bench, "192.0.2.3", 'c');
  until(bench, 3);
  EXPECT_EQ(bench.order.substr(2), "c");
  EXPECT_LT(bench.times.front(), 50ms);
}

TEST(AuthQueue, WhoWaitsForAThreadWaitsNoLonger) {
  Bench bench(1, 50ms);
  hang(bench, "192.0.2.1", 'a');
  answer(bench, "192.0.2.2", 'b');
  until(bench, 2);
  EXPECT_EQ(bench.queue.waiting(), 0U);
  for (const auto time : bench.times) EXPECT_LT(time, 5s);
  EXPECT_EQ(bench.order.find('A'), std::string::npos);
}

TEST(AuthQueue, AThousandCallsOfOneAddressAreAllAnswered) {
  Bench bench(4, 20s);
  for (int i = 0; i < 1000; ++i) answer(bench, "192.0.2.1", 'a');
  answer(bench, "192.0.2.2", 'b');
  until(bench, 1001);
  EXPECT_EQ(bench.order.size(), 1001U);
  EXPECT_EQ(bench.order.find('a'), std::string::npos);
  // The other address does not queue behind the thousand.
  EXPECT_LT(bench.order.find('B'), 50U);
}

}  // namespace
}  // namespace server

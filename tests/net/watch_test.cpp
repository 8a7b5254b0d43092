#include "net/watch.hpp"

#include "net/signals.hpp"
#include "net_support.hpp"

#include <fcntl.h>
#include <signal.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace net {
namespace {

using testing::run;
using testing::spawn;
using namespace std::chrono_literals;

struct Pipe {
  base::UniqueFd read;
  base::UniqueFd write;
  Pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) throw std::system_error(errno, std::system_category());
    read.reset(fds[0]);
    write.reset(fds[1]);
  }
};

Task<void> watch(Loop& loop, int fd, bool& done) {
  co_await wait_for_hangup(loop, fd);
  done = true;
}

TEST(WaitForHangup, CompletesWhenTheReaderOfAPipeDies) {
  Loop loop;
  Pipe pipe;
  bool done = false;
  spawn(loop, watch(loop, pipe.write.value(), done));
  loop.run_for(20ms);
  EXPECT_FALSE(done);
  EXPECT_EQ(::fcntl(pipe.write.value(), F_GETFL) & O_NONBLOCK, 0);  // others share the description
  pipe.read.reset();
  loop.run_for(10s);
  EXPECT_TRUE(done);
}

TEST(WaitForHangup, CompletesAtOnceWhenTheReaderIsGone) {
  Loop loop;
  Pipe pipe;
  pipe.read.reset();
  bool done = false;
  spawn(loop, watch(loop, pipe.write.value(), done));
  loop.run_for(10s);
  EXPECT_TRUE(done);
}

TEST(WaitForHangup, IsNotDisturbedByDataAndTakesNone) {
  Loop loop;
  auto pair = testing::socket_pair();
  bool done = false;
  spawn(loop, watch(loop, pair.ours.value(), done));
  testing::send_all(pair.theirs.value(), "data");
  loop.run_for(20ms);
  EXPECT_FALSE(done);
  pair.theirs.reset();
  loop.run_for(10s);
  EXPECT_TRUE(done);
  EXPECT_EQ(testing::receive_all(pair.ours.value()), "data");
}

TEST(WaitForHangup, RefusesADescriptorThatIsNotOpen) {
  Loop loop;
  bool done = false;
  EXPECT_THROW(run(loop, watch(loop, -1, done)), std::system_error);
}

Task<void> take_signals(Signals& signals, std::size_t count, std::vector<int>& into) {
  while (into.size() < count) into.push_back(co_await signals.next());
}

TEST(Signals, ArriveAsEventsOfTheLoopAlsoBetweenTwoCalls) {
  Loop loop;
  Signals signals(loop, {SIGUSR1, SIGUSR2});
  ::raise(SIGUSR1);
  std::vector<int> taken;
  spawn(loop, take_signals(signals, 2, taken));
  loop.run_for(20ms);
  EXPECT_EQ(taken, std::vector<int>{SIGUSR1});
  ::raise(SIGUSR2);
  loop.run_for(10s);
  EXPECT_EQ(taken, (std::vector<int>{SIGUSR1, SIGUSR2}));
}

TEST(Signals, RestartSystemCallsUnderWay) {
  Loop loop;
  Signals signals(loop, {SIGUSR1});
  struct sigaction action = {};
  ASSERT_EQ(::sigaction(SIGUSR1, nullptr, &action), 0);
  EXPECT_NE(action.sa_flags & SA_RESTART, 0);
}

TEST(Signals, CancelEndsTheWait) {
  Loop loop;
  Signals signals(loop, {SIGUSR1});
  std::vector<int> taken;
  spawn(loop, take_signals(signals, 1, taken));
  loop.run_for(5ms);
  signals.cancel();
  loop.run_for(10s);
  EXPECT_EQ(taken, std::vector<int>{0});
}

}  // namespace
}  // namespace net

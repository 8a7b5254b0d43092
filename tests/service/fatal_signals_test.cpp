#include "service/pipe_pair.hpp"
#include "service/status.hpp"
#include "service/status_reader.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace service {
namespace {

struct Death {
  pid_t pid;
  int status;
};

// Runs `last_act` in a child that has announced its fatal signals on `fd`, and waits for its end.
Death die(int fd, const std::function<void()>& last_act) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const struct rlimit no_core = {0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    announce_fatal_signals(fd);
    last_act();
    ::_exit(99);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return Death{pid, status};
}

// Deeper and deeper until the stack ends. The volatile array keeps the frames from being folded into a loop.
int overflow(int depth) {  // NOLINT(misc-no-recursion)
  volatile char frame[4096];
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : overflow(depth + 1) + frame[0];
}

void expect_unavailable(int fd, pid_t pid) {
  const auto batch = read_statuses(fd);
  ASSERT_TRUE(batch.has_value());
  ASSERT_EQ(batch->messages.size(), 1U);
  EXPECT_EQ(batch->messages[0].message, static_cast<std::int32_t>(Message::unavailable));
  EXPECT_EQ(batch->messages[0].pid, pid);
}

class FatalSignal : public ::testing::TestWithParam<int> {};

TEST_P(FatalSignal, IsAnnouncedAndThenKillsTheProcess) {
  const PipePair pipe;
  const Death death = die(pipe.write.value(), [] { ::raise(GetParam()); });
  ASSERT_TRUE(WIFSIGNALED(death.status));
  EXPECT_EQ(WTERMSIG(death.status), GetParam());
  expect_unavailable(pipe.read.value(), death.pid);
}

INSTANTIATE_TEST_SUITE_P(All, FatalSignal, ::testing::Values(SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT));

TEST(AnnounceFatalSignals, AbortIsAnnouncedOnce) {
  const PipePair pipe;
  const Death death = die(pipe.write.value(), [] { std::abort(); });
  ASSERT_TRUE(WIFSIGNALED(death.status));
  EXPECT_EQ(WTERMSIG(death.status), SIGABRT);
  expect_unavailable(pipe.read.value(), death.pid);
}

TEST(AnnounceFatalSignals, AnOverflowOfTheStackIsAnnouncedToo) {
  const PipePair pipe;
  const Death death = die(pipe.write.value(), [] { ::_exit(overflow(1)); });
  ASSERT_TRUE(WIFSIGNALED(death.status));
  EXPECT_EQ(WTERMSIG(death.status), SIGSEGV);
  expect_unavailable(pipe.read.value(), death.pid);
}

TEST(AnnounceFatalSignals, AMasterThatIsGoneDoesNotChangeTheCause) {
  PipePair pipe;
  pipe.read.reset();
  const Death death = die(pipe.write.value(), [] { ::raise(SIGSEGV); });
  ASSERT_TRUE(WIFSIGNALED(death.status));
  EXPECT_EQ(WTERMSIG(death.status), SIGSEGV);
}

TEST(AnnounceFatalSignals, AFullPipeDoesNotKeepTheProcessFromDying) {
  const PipePair pipe;
  const StatusPipe status(pipe.write.value());
  ASSERT_EQ(::fcntl(pipe.write.value(), F_SETFL, O_NONBLOCK), 0);
  while (status.send(Message::available)) {
  }
  ASSERT_EQ(::fcntl(pipe.write.value(), F_SETFL, 0), 0);
  const Death death = die(pipe.write.value(), [] {
    ::alarm(20);  // ends the test when the handler waits
    ::raise(SIGSEGV);
  });
  ASSERT_TRUE(WIFSIGNALED(death.status));
  EXPECT_EQ(WTERMSIG(death.status), SIGSEGV);
}

TEST(AnnounceFatalSignals, WithoutADescriptorTheDefaultActionsComeBack) {
  const PipePair pipe;
  const Death death = die(pipe.write.value(), [] {
    announce_fatal_signals(-1);
    ::raise(SIGSEGV);
  });
  ASSERT_TRUE(WIFSIGNALED(death.status));
  EXPECT_EQ(WTERMSIG(death.status), SIGSEGV);
  EXPECT_TRUE(read_statuses(pipe.read.value())->messages.empty());
}

}  // namespace
}  // namespace service

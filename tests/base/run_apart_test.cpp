#include "base/run_apart.hpp"

#include "base/file_io.hpp"
#include "base/file_lock.hpp"
#include "base/unique_fd.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace base {
namespace {

/// A pipe whose two ends two processes use to wait for each other.
struct Signal {
  Signal() {
    std::array<int, 2> ends = {};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  void give() const { EXPECT_EQ(::write(writer.value(), "x", 1), 1); }
  void await() const {
    char octet = 0;
    EXPECT_EQ(::read(reader.value(), &octet, 1), 1);
  }
  /// Whether it comes at all.
  bool comes() const {
    pollfd wait{reader.value(), POLLIN, 0};
    return ::poll(&wait, 1, 30'000) == 1;
  }

  UniqueFd reader;
  UniqueFd writer;
};

TEST(RunApart, BringsBackTheTextOfSuccess) {
  const auto apart = run_apart("thing", [] { return Result<std::string>("two\nlines"); });
  EXPECT_FALSE(apart.lost);
  EXPECT_EQ(apart.result.value(), "two\nlines");
}

TEST(RunApart, BringsBackAnErrorWhole) {
  const auto apart = run_apart("thing", []() -> Result<std::string> { return fail_system("write file", ENOSPC); });
  EXPECT_FALSE(apart.lost);
  ASSERT_FALSE(apart.result);
  EXPECT_EQ(apart.result.error().code, Errc::io);
  EXPECT_EQ(apart.result.error().errnum, ENOSPC);
  EXPECT_EQ(apart.result.error().text, system_error("write file", ENOSPC).text);
}

TEST(RunApart, CutsATextThatIsTooLong) {
  const std::string text(kMaxApartText + 10, 'x');
  const auto apart = run_apart("thing", [&] { return Result<std::string>(text); });
  EXPECT_EQ(apart.result.value(), text.substr(0, kMaxApartText));
}

TEST(RunApart, WorksInAnotherProcessWithAllSignalsBlocked) {
  int here = 1;
  const auto apart = run_apart("thing", [&]() -> Result<std::string> {
    here = 2;
    ::raise(SIGTERM);
    sigset_t blocked;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    return std::to_string(::getpid()) + (::sigismember(&blocked, SIGHUP) == 1 ? " blocked" : " open");
  });
  EXPECT_EQ(here, 1);
  const std::string& told = apart.result.value();
  EXPECT_NE(told, std::to_string(::getpid()) + " blocked");
  EXPECT_TRUE(told.ends_with(" blocked")) << told;
  sigset_t blocked;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  EXPECT_EQ(::sigismember(&blocked, SIGHUP), 0);
}

TEST(RunApart, SaysSoWhenTheChildIsKilled) {
  const auto apart = run_apart("thing", []() -> Result<std::string> {
    ::kill(::getpid(), SIGKILL);
    return "not reached";
  });
  EXPECT_TRUE(apart.lost);
  ASSERT_FALSE(apart.result);
  EXPECT_EQ(apart.result.error().code, Errc::io);
  EXPECT_EQ(apart.result.error().text, "thing: the process that wrote it was killed by signal 9");
}

TEST(RunApart, SaysSoWhenTheWorkThrows) {
  const auto apart = run_apart("thing", []() -> Result<std::string> { throw std::runtime_error("oops"); });
  EXPECT_TRUE(apart.lost);
  EXPECT_EQ(apart.result.error().text, "thing: the process that wrote it ended early");
}

TEST(RunApart, KnowsTheResultAlsoWhenChildrenAreNotWaitedFor) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  const auto good = run_apart("thing", [] { return Result<std::string>("done"); });
  const auto bad = run_apart("thing", []() -> Result<std::string> { ::_exit(0); });
  std::signal(SIGCHLD, before);
  EXPECT_EQ(good.result.value(), "done");
  EXPECT_TRUE(bad.lost);
}

TEST(RunApart, WorksHereWhenThereCanBeNoChild) {
  const pid_t poor = ::fork();
  ASSERT_GE(poor, 0);
  if (poor == 0) {
    constexpr uid_t kNobody = 65534;
    const struct rlimit none = {};
    if (::setrlimit(RLIMIT_NPROC, &none) != 0) ::_exit(2);
    if (::getuid() == 0 && ::setuid(kNobody) != 0) ::_exit(3);  // root may have any number
    const auto apart = run_apart("thing", [] { return Result<std::string>(std::to_string(::getpid())); });
    ::_exit(apart.result == std::to_string(::getpid()) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(poor, &status, 0), poor);
  EXPECT_EQ(status, 0);
}

TEST(RunApart, LeavesNoChildBehind) {
  for (int i = 0; i < 10; ++i) run_apart("thing", [] { return Result<std::string>(""); });
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(RunApart, ServesSeveralThreadsAtOnce) {
#if defined(__SANITIZE_ADDRESS__)
  // g++ 12's runtime forks with the locks of its allocator as they are: a child can wait for a thread that it has not.
  GTEST_SKIP() << "the address sanitizer's malloc does not survive a fork beside other threads";
#endif
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&right, t] {
      for (int i = 0; i < 25; ++i) {
        const std::string text = std::to_string(t) + "." + std::to_string(i);
        const bool kill = i % 5 == 4;
        const auto apart = run_apart("thing", [&]() -> Result<std::string> {
          if (kill) ::kill(::getpid(), SIGKILL);
          return std::string(1000, 'x') + text;  // malloc works in the child
        });
        right += kill ? apart.lost : apart.result == std::string(1000, 'x') + text;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 100);
}

// What it is for: the work goes on without the process that asked for it, and under its locks.
TEST(RunApart, CompletesTheWorkWhenItsParentIsKilled) {
  const support::TempDirectory directory;
  const auto file = directory.path() / "file";
  std::ofstream(file) << "";
  const Signal begun;
  const Signal parent_is_dead;
  const Signal done;

  const pid_t parent = ::fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    const auto fd = open_file(file, O_RDWR);
    const auto lock = FileLock::try_lock(fd->value(), LockMode::exclusive, "file");
    if (!lock) ::_exit(1);
    run_apart("file", [&]() -> Result<std::string> {
      begun.give();
      parent_is_dead.await();
      std::ofstream(file) << "one ";
      std::ofstream(file, std::ios::app) << "two";
      done.give();
      parent_is_dead.await();  // until the lock has been looked at
      return "";
    });
    ::_exit(2);  // not reached: it is killed while it waits
  }
  ASSERT_TRUE(begun.comes());
  ASSERT_EQ(::kill(parent, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(parent, &status, 0), parent);
  ASSERT_TRUE(WIFSIGNALED(status));
  parent_is_dead.give();
  ASSERT_TRUE(done.comes());

  EXPECT_EQ(read_file(file, 100).value(), "one two");
  const auto fd = open_file(file, O_RDWR);
  const auto meanwhile = FileLock::try_lock(fd->value(), LockMode::exclusive, "file");
  ASSERT_FALSE(meanwhile);
  EXPECT_EQ(meanwhile.error().code, Errc::busy);
  parent_is_dead.give();
}

}  // namespace
}  // namespace base

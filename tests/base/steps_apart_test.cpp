#include "base/steps_apart.hpp"

#include "base/file_io.hpp"
#include "base/file_lock.hpp"
#include "base/unique_fd.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace base {
namespace {

std::span<const unsigned char> bytes_of(std::string_view text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

class StepsApartTest : public testing::Test {
 protected:
  std::filesystem::path file(const std::string& name, std::string_view text = "") {
    const auto path = directory_.path() / name;
    std::ofstream(path) << text;
    return path;
  }
  std::filesystem::path no_file(const std::string& name) const { return directory_.path() / name; }
  static std::string content(const std::filesystem::path& path) { return read_file(path, 1000).value_or("(none)"); }

  support::TempDirectory directory_;
};

TEST_F(StepsApartTest, CarriesOutEachKindOfStep) {
  const auto message = file("stage", "message");
  const auto next = file("quota.NEW", "new");
  const auto quota = file("quota", "old");
  const auto fd = open_file(file("index", "header"), O_RDWR);
  StepsApart steps("mailbox");
  steps.link(message, no_file("1."));
  steps.sync_data(fd->value(), "index");
  steps.sync_directory(directory_.path());
  steps.rename(next, quota);
  EXPECT_EQ(steps.size(), 4u);
  steps.write(fd->value(), bytes_of("HEAD"), 0, "index");
  EXPECT_TRUE(steps.run());
  EXPECT_EQ(steps.begun(), 5u);
  EXPECT_EQ(content(no_file("1.")), "message");
  EXPECT_EQ(content(quota), "new");
  EXPECT_EQ(content(no_file("index")), "HEADer");
}

TEST_F(StepsApartTest, StopsAtTheFirstThatFailsAndNamesIt) {
  StepsApart steps("mailbox");
  steps.link(file("stage"), no_file("1."));
  steps.link(no_file("nothing"), no_file("2."));
  steps.link(no_file("stage"), no_file("3."));
  const auto done = steps.run();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().errnum, ENOENT);
  EXPECT_TRUE(done.error().text.starts_with("link " + no_file("2.").native())) << done.error().text;
  EXPECT_EQ(steps.begun(), 2u);
  EXPECT_TRUE(std::filesystem::exists(no_file("1.")));
  EXPECT_FALSE(std::filesystem::exists(no_file("3.")));
}

TEST_F(StepsApartTest, LeavesNoChildAndNoDescriptorAndTheSignalsAsTheyWere) {
  const int before = ::dup(0);
  ::close(before);
  for (int i = 0; i < 20; ++i) {
    StepsApart steps("mailbox");
    steps.sync_directory(directory_.path());
    EXPECT_TRUE(steps.run());
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  const int after = ::dup(0);
  ::close(after);
  EXPECT_EQ(before, after);
  sigset_t blocked;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  EXPECT_EQ(::sigismember(&blocked, SIGTERM), 0);
}

TEST_F(StepsApartTest, KnowsTheResultAlsoWhenChildrenAreNotWaitedFor) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  StepsApart steps("mailbox");
  steps.link(file("stage"), no_file("1."));
  const auto done = steps.run();
  std::signal(SIGCHLD, before);
  EXPECT_TRUE(done);
}

TEST_F(StepsApartTest, WorksHereWhenThereCanBeNoChild) {
  const auto stage = file("stage");
  ::chmod(directory_.path().c_str(), 0777);
  ::chmod(stage.c_str(), 0666);  // whoever cannot write to a file may not link it, either
  const pid_t poor = ::fork();
  ASSERT_GE(poor, 0);
  if (poor == 0) {
    constexpr uid_t kNobody = 65534;
    const struct rlimit none = {};
    if (::setrlimit(RLIMIT_NPROC, &none) != 0) ::_exit(2);
    if (::getuid() == 0 && ::setuid(kNobody) != 0) ::_exit(3);  // root may have any number
    StepsApart steps("mailbox");
    steps.link(stage, no_file("1."));
    ::_exit(steps.run() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(poor, &status, 0), poor);
  EXPECT_EQ(status, 0);
}

TEST_F(StepsApartTest, ServesSeveralThreadsAtOnce) {
  const auto stage = file("stage", "x");
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        StepsApart steps("mailbox");
        const auto name = no_file(std::to_string(t) + "." + std::to_string(i));
        steps.link(stage, name);
        if (i % 5 == 4) steps.link(no_file("nothing"), name);
        right += steps.run().has_value() == (i % 5 != 4) && std::filesystem::exists(name);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 100);
}

/// Steps that take a while: files "0", "1" and so on come one after the other.
class ManyStepsApartTest : public StepsApartTest {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "with the thread sanitizer there is no child";
#endif
  }

  static constexpr int kMany = 40'000;  // ext4 gives a file 65 000 names

  void add_many(StepsApart& steps) {
    for (int i = 0; i < kMany; ++i) steps.link(stage_, no_file(std::to_string(i)));
  }
  /// Whether the file with that number comes at all.
  bool comes(int number) const {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!has(number)) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  bool has(int number) const { return std::filesystem::exists(no_file(std::to_string(number))); }

  const std::filesystem::path stage_ = file("stage");
};

// What it is for: the steps go on without the process that asked for them, and under its locks.
TEST_F(ManyStepsApartTest, AreCompletedWhenTheirParentIsKilled) {
  const auto locked = file("locked");
  const pid_t parent = ::fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    const auto fd = open_file(locked, O_RDWR);
    const auto lock = FileLock::try_lock(fd->value(), LockMode::exclusive, "file");
    StepsApart steps("mailbox");
    add_many(steps);
    ::_exit(lock && steps.run() ? 0 : 1);
  }
  EXPECT_TRUE(comes(0));
  ::kill(parent, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(parent, &status, 0), parent);
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto fd = open_file(locked, O_RDWR);
  const auto lock = FileLock::try_lock(fd->value(), LockMode::exclusive, "file");
  const bool had_all = has(kMany - 1);
  EXPECT_TRUE(had_all || (!lock && lock.error().code == Errc::busy));
  EXPECT_FALSE(had_all) << "too fast to show anything";
  EXPECT_TRUE(comes(kMany - 1));
}

TEST_F(ManyStepsApartTest, SayHowFarTheyCameWhenTheChildIsKilled) {
  StepsApart steps("mailbox");
  add_many(steps);
  Result<void> done;
  std::thread thread([&] { done = steps.run(); });
  EXPECT_TRUE(comes(0));
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream children(task.path() / "children");
    if (pid_t child = 0; children >> child) ::kill(child, SIGKILL);
  }
  thread.join();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::io);
  EXPECT_EQ(done.error().text, "mailbox: the process that wrote it was killed by signal 9");
  ASSERT_GT(steps.begun(), 1u);
  EXPECT_TRUE(has(static_cast<int>(steps.begun()) - 2));
  EXPECT_FALSE(has(static_cast<int>(steps.begun())));
}

}  // namespace
}  // namespace base

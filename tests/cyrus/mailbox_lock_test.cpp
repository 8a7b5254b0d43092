#include "cyrus/mailbox_lock.hpp"

#include "base/file_io.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::LockMode;

/// A lock that somebody else holds: another description of the file, as in another process.
struct Foreign {
  base::UniqueFd fd;
  base::FileLock lock;
};

class MailboxLockTest : public ::testing::Test {
 protected:
  MailboxLockTest() {
    config_.lock_path = directory_.path() / "run" / "lock";
    record_.uniqueid = "m6ezjlc29urvbpnuvn507t0e";
    record_.partition = "default";
    record_.type = "e";
    std::ofstream(index_) << "index";
  }

  static MailboxName name_of(const std::string& intname) { return MailboxName::from_intname(intname).value(); }

  base::UniqueFd open_index() const { return base::open_file(index_, O_RDWR).value(); }

  base::Result<MailboxLock> lock_all(LockMode user, LockMode name, LockMode index) const {
    auto locks = MailboxLock::lock_user(name_, config_, user);
    if (!locks) return locks;
    if (const auto taken = locks->lock_name(record_, config_, name); !taken) return tl::unexpected(taken.error());
    if (const auto taken = locks->lock_index(open_index(), index, "index"); !taken) {
      return tl::unexpected(taken.error());
    }
    return locks;
  }

  static Foreign hold(const fs::path& file, LockMode mode = LockMode::exclusive) {
    fs::create_directories(file.parent_path());
    base::UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    auto lock = base::FileLock::try_lock(fd.value(), mode, file.native());
    EXPECT_TRUE(lock) << lock.error().text;
    return Foreign{std::move(fd), std::move(*lock)};
  }

  static bool is_free(const fs::path& file) {
    const auto fd = base::open_file(file, O_RDWR);
    return fd && base::FileLock::try_lock(fd->value(), LockMode::exclusive, "probe");
  }
  static bool is_free_to_share(const fs::path& file) {
    const auto fd = base::open_file(file, O_RDWR);
    return fd && base::FileLock::try_lock(fd->value(), LockMode::shared, "probe");
  }

  std::vector<fs::path> files() const {
    return {user_lock_path_3_4(name_, config_), user_lock_path_3_12(name_, config_), name_lock_path(record_, config_),
            index_};
  }

  support::TempDirectory directory_;
  fs::path index_ = directory_.path() / "cyrus.index";
  StoreConfig config_;
  MailboxName name_ = name_of("user.ann");
  MailboxRecord record_{name_};
};

TEST_F(MailboxLockTest, ReadingSharesAllFourAndReleasesThem) {
  {
    const auto locks = lock_all(LockMode::shared, LockMode::shared, LockMode::shared);
    ASSERT_TRUE(locks) << locks.error().text;
    EXPECT_GE(locks->index_fd(), 0);
    for (const auto& file : files()) {
      EXPECT_FALSE(is_free(file)) << file;
      EXPECT_TRUE(is_free_to_share(file)) << file;
    }
    EXPECT_FALSE(fs::exists(global_lock_path(config_)));
  }
  for (const auto& file : files()) EXPECT_TRUE(is_free(file)) << file;
}

TEST_F(MailboxLockTest, ChangingExcludesReadersOfUserAndIndexAndSharesTheName) {
  const auto locks = lock_all(LockMode::exclusive, LockMode::shared, LockMode::exclusive);
  ASSERT_TRUE(locks) << locks.error().text;
  EXPECT_FALSE(is_free_to_share(user_lock_path_3_4(name_, config_)));
  EXPECT_FALSE(is_free_to_share(user_lock_path_3_12(name_, config_)));
  EXPECT_TRUE(is_free_to_share(name_lock_path(record_, config_)));
  EXPECT_FALSE(is_free_to_share(index_));
}

TEST_F(MailboxLockTest, SharesTheGlobalLockBeforeAnExclusiveOne) {
  {
    const auto locks = MailboxLock::lock_user(name_, config_, LockMode::exclusive);
    ASSERT_TRUE(locks);
    EXPECT_FALSE(is_free(global_lock_path(config_)));
    EXPECT_TRUE(is_free_to_share(global_lock_path(config_)));
  }
  const auto held = hold(global_lock_path(config_));
  const auto locks = MailboxLock::lock_user(name_, config_, LockMode::exclusive);
  ASSERT_FALSE(locks);
  EXPECT_EQ(locks.error().code, Errc::busy);
}

TEST_F(MailboxLockTest, LeavesTheGlobalLockAloneWhenItIsOff) {
  config_.global_lock = false;
  ASSERT_TRUE(MailboxLock::lock_user(name_, config_, LockMode::exclusive));
  EXPECT_FALSE(fs::exists(global_lock_path(config_)));
}

TEST_F(MailboxLockTest, IsBusyWhenSomebodyHoldsAnyOfThemAndKeepsNone) {
  ASSERT_TRUE(lock_all(LockMode::shared, LockMode::shared, LockMode::shared));
  for (const auto& taken : files()) {
    const auto held = hold(taken);
    const auto locks = lock_all(LockMode::shared, LockMode::shared, LockMode::shared);
    ASSERT_FALSE(locks) << taken;
    EXPECT_EQ(locks.error().code, Errc::busy) << taken;
    for (const auto& other : files()) EXPECT_EQ(is_free(other), other != taken) << other << " while " << taken;
  }
}

TEST_F(MailboxLockTest, TakesTheOlderUserLockFirst) {
  const auto held = hold(user_lock_path_3_4(name_, config_));
  ASSERT_FALSE(MailboxLock::lock_user(name_, config_, LockMode::shared));
  EXPECT_FALSE(fs::exists(user_lock_path_3_12(name_, config_)));
}

TEST_F(MailboxLockTest, MakesFilesAndDirectoriesOnDemandWithTheUmaskAndNeverRemovesThem) {
  const mode_t before = ::umask(027);
  const auto locks = lock_all(LockMode::shared, LockMode::shared, LockMode::shared);
  ::umask(before);
  ASSERT_TRUE(locks) << locks.error().text;
  const fs::path file = user_lock_path_3_12(name_, config_);
  struct stat status = {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, mode_t{0640});
  EXPECT_EQ(status.st_size, 0);
  ASSERT_EQ(::stat(file.parent_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, mode_t{0750});
}

TEST_F(MailboxLockTest, OfSharedMailboxesDoesNotLockItselfOut) {
  // Without an owner both releases use the same file.
  const auto locks = MailboxLock::lock_user(name_of("board.news"), config_, LockMode::exclusive);
  EXPECT_TRUE(locks) << locks.error().text;
}

TEST_F(MailboxLockTest, TheLockOfQuotaRootsIsTakenOnceAndKeptBetweenMailboxes) {
  auto locks = MailboxLock::lock_user(name_, config_, LockMode::exclusive);
  ASSERT_TRUE(locks);
  ASSERT_TRUE(locks->lock_quota_roots(config_));
  ASSERT_TRUE(locks->lock_quota_roots(config_));
  locks->release_mailbox();
  auto other = MailboxLock::lock_user(name_of("user.somebody"), config_, LockMode::exclusive);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->lock_quota_roots(config_).error().code, Errc::busy);
}

TEST_F(MailboxLockTest, NamesTheFileWhenTheLockRootIsNoDirectory) {
  std::ofstream(directory_.path() / "run") << "a file";
  const auto locks = MailboxLock::lock_user(name_, config_, LockMode::shared);
  ASSERT_FALSE(locks);
  EXPECT_EQ(locks.error().code, Errc::io);
  EXPECT_NE(locks.error().text.find((directory_.path() / "run").native()), std::string::npos) << locks.error().text;
}

}  // namespace
}  // namespace cyrus

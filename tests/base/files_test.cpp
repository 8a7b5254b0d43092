// Descriptors, locks and reads, on real files.

#include "base/file_io.hpp"
#include "base/file_lock.hpp"
#include "base/unique_fd.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace base {
namespace {

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "base-files-XXXXXX").native();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }

  std::filesystem::path folder_;
};

TEST_F(Files, ADescriptorIsClosedOnceByItsOwner) {
  const auto path = write("a", "x");
  int number = -1;
  {
    auto fd = open_file(path, O_RDONLY);
    ASSERT_TRUE(fd);
    number = fd->value();
    EXPECT_EQ(::fcntl(number, F_GETFD), FD_CLOEXEC);
    UniqueFd other(std::move(*fd));
    EXPECT_EQ(other.value(), number);
  }
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST_F(Files, OpeningWhatIsNotThereNamesIt) {
  const auto fd = open_file(folder_ / "none", O_RDONLY);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code, Errc::not_found);
  EXPECT_NE(fd.error().text.find((folder_ / "none").native()), std::string::npos);
}

TEST_F(Files, ReadFileRefusesWhatIsTooLargeOrNoFile) {
  EXPECT_EQ(*read_file(write("a", std::string("\0text", 5)), 5), std::string("\0text", 5));
  EXPECT_EQ(read_file(write("b", "123456"), 5).error().code, Errc::limit);
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_file(folder_ / "fifo", 5).error().code, Errc::invalid);  // and it did not wait for a writer
  EXPECT_EQ(read_file(folder_, 5).error().code, Errc::invalid);
}

TEST_F(Files, AShortFileIsCorruptForWhoKnewItsLength) {
  const auto fd = open_file(write("a", "12345"), O_RDONLY);
  ASSERT_TRUE(fd);
  std::array<unsigned char, 4> four{};
  EXPECT_TRUE(read_exactly(fd->value(), four, 1, "a"));
  EXPECT_EQ(four[3], '5');
  const auto missing = read_exactly(fd->value(), four, 3, "a");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::corrupt);
  EXPECT_EQ(missing.error().text, "a: ends at octet 5, 2 are missing");
  std::array<char, 4> some{};
  EXPECT_EQ(*read_some(fd->value(), some, 3, "a"), 2U);
  EXPECT_EQ(*read_some(fd->value(), some, 99, "a"), 0U);
}

TEST_F(Files, LocksOfTwoDescriptorsOfOneProcessExcludeEachOther) {
  const auto path = write("lock", "");
  const auto first = open_file(path, O_RDWR);
  const auto second = open_file(path, O_RDWR);
  auto exclusive = FileLock::try_lock(first->value(), LockMode::exclusive, "lock");
  ASSERT_TRUE(exclusive);
  EXPECT_EQ(FileLock::try_lock(second->value(), LockMode::shared, "lock").error().code, Errc::busy);
  exclusive->unlock();
  const auto shared = FileLock::try_lock(first->value(), LockMode::shared, "lock");
  EXPECT_TRUE(shared);
  EXPECT_TRUE(FileLock::try_lock(second->value(), LockMode::shared, "lock"));
  EXPECT_EQ(FileLock::try_lock(second->value(), LockMode::exclusive, "lock").error().code, Errc::busy);
}

TEST_F(Files, OurLocksMeetThePosixLocksOfOtherProcesses) {
  const auto path = write("lock", "");
  const auto fd = open_file(path, O_RDWR);
  const auto ours = FileLock::try_lock(fd->value(), LockMode::exclusive, "lock");
  ASSERT_TRUE(ours);
  const pid_t child = ::fork();
  if (child == 0) {
    struct flock request = {};
    request.l_type = F_WRLCK;
    request.l_whence = SEEK_SET;
    const int other = ::open(path.c_str(), O_RDWR);
    ::_exit(::fcntl(other, F_SETLK, &request) == -1 && (errno == EAGAIN || errno == EACCES) ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(Files, ClosingAnotherDescriptorDoesNotDropALock) {
  const auto path = write("lock", "");
  const auto first = open_file(path, O_RDWR);
  const auto lock = FileLock::try_lock(first->value(), LockMode::exclusive, "lock");
  ASSERT_TRUE(lock);
  { const auto other = open_file(path, O_RDWR); }  // would drop a plain POSIX lock
  const auto third = open_file(path, O_RDWR);
  EXPECT_EQ(FileLock::try_lock(third->value(), LockMode::shared, "lock").error().code, Errc::busy);
}

}  // namespace
}  // namespace base

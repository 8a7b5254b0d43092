#include "master/pid_file.hpp"

#include "master/temp_folder.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace master {
namespace {

TEST(PidFile, HoldsOurPidAndALineFeed) {
  const TempFolder folder;
  folder.write("pid", "123456789 old and longer\n");
  const auto file = PidFile::create(folder / "pid");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(folder.read("pid"), std::to_string(::getpid()) + "\n");
}

TEST(PidFile, ASecondMasterIsRefused) {
  const TempFolder folder;
  const auto first = PidFile::create(folder / "pid");
  ASSERT_TRUE(first.has_value());
  const auto second = PidFile::create(folder / "pid");
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, base::Errc::busy);
  EXPECT_NE(second.error().text.find("is another master still running?"), std::string::npos);
  EXPECT_EQ(folder.read("pid"), std::to_string(::getpid()) + "\n");
}

TEST(PidFile, TheLockMeetsThePosixLockOfTheOriginal) {
  const TempFolder folder;
  const auto file = PidFile::create(folder / "pid");
  ASSERT_TRUE(file.has_value());
  const pid_t child = ::fork();
  if (child == 0) {
    const base::UniqueFd fd(::open((folder / "pid").c_str(), O_RDWR | O_CLOEXEC));
    struct flock request = {};
    request.l_type = F_WRLCK;
    request.l_whence = SEEK_SET;
    ::_exit(::fcntl(fd.value(), F_SETLK, &request) == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST(PidFile, IsEmptyAfterTheEnd) {
  const TempFolder folder;
  { ASSERT_TRUE(PidFile::create(folder / "pid").has_value()); }
  EXPECT_EQ(folder.read("pid"), "");
  EXPECT_TRUE(PidFile::create(folder / "pid").has_value());
}

TEST(PidFile, ASymbolicLinkIsNotFollowed) {
  const TempFolder folder;
  folder.write("target", "precious");
  ASSERT_EQ(::symlink((folder / "target").c_str(), (folder / "pid").c_str()), 0);
  EXPECT_FALSE(PidFile::create(folder / "pid").has_value());
  EXPECT_EQ(folder.read("target"), "precious");
}

TEST(PidFile, AFifoIsRefusedWithoutWaiting) {
  const TempFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pid").c_str(), 0600), 0);
  EXPECT_FALSE(PidFile::create(folder / "pid").has_value());
}

}  // namespace
}  // namespace master

#include "base/file_write.hpp"

#include "base/file_io.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <span>
#include <string_view>
#include <sys/resource.h>

namespace base {
namespace {

std::span<const unsigned char> bytes(std::string_view text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

TEST(FileWrite, WritesWhereItIsTold) {
  const support::TempDirectory directory;
  const auto file = directory.path() / "file";
  std::ofstream(file) << "abcdef";
  const auto fd = open_file(file, O_RDWR);
  ASSERT_TRUE(write_exactly(fd->value(), bytes("XY"), 2, "file"));
  ASSERT_TRUE(write_exactly(fd->value(), {}, 100, "file"));
  ASSERT_TRUE(sync_data(fd->value(), "file"));
  ASSERT_TRUE(sync_file(fd->value(), "file"));
  EXPECT_EQ(read_file(file, 100).value(), "abXYef");
}

TEST(FileWrite, NamesTheFileThatCannotBeWritten) {
  const support::TempDirectory directory;
  const auto file = directory.path() / "file";
  std::ofstream(file) << "abcdef";
  const auto fd = open_file(file, O_RDONLY);
  const auto written = write_exactly(fd->value(), bytes("XY"), 0, "the index");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::io);
  EXPECT_NE(written.error().text.find("write the index: "), std::string::npos);
  EXPECT_EQ(sync_file(-1, "the index").error().errnum, EBADF);
  EXPECT_EQ(sync_data(-1, "the index").error().errnum, EBADF);
}

TEST(FileWrite, FailsWhenOnlyAPartIsTaken) {
  const support::TempDirectory directory;
  const auto file = directory.path() / "file";
  std::ofstream(file) << "";
  const auto fd = open_file(file, O_RDWR);
  struct rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit small = before;
  small.rlim_cur = 3;
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = write_exactly(fd->value(), bytes("abcdef"), 0, "file");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().errnum, EFBIG);
}

}  // namespace
}  // namespace base

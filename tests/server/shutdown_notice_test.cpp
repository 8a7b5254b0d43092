#include "server/shutdown_notice.hpp"

#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>

namespace server {
namespace {

class ShutdownNoticeTest : public ::testing::Test {
 protected:
  void write(const std::string& name, std::string_view text) { std::ofstream(directory_.path() / name) << text; }
  std::optional<std::string> text() const { return read_shutdown_file(directory_.path(), "pop3"); }

  support::TempDirectory directory_;
};

TEST_F(ShutdownNoticeTest, IsTheFirstLineWithoutLeadingBrackets) {
  EXPECT_EQ(text(), std::nullopt);
  write("shutdown", "back at noon\nsecond line\n");
  EXPECT_EQ(text(), "back at noon");
  write("shutdown", "[[ALERT] going down\r\n");
  EXPECT_EQ(text(), "ALERT] going down");
  write("shutdown", "no line end");
  EXPECT_EQ(text(), "no line end");
  for (const auto* empty : {"", "\n", "[\n"}) {
    write("shutdown", empty);
    EXPECT_EQ(text(), "") << empty;
  }
  std::filesystem::remove(directory_.path() / "shutdown");
  EXPECT_EQ(text(), std::nullopt);
}

TEST_F(ShutdownNoticeTest, TheFileOfTheServiceComesFirst) {
  write("shutdown.imap", "not for us");
  EXPECT_EQ(text(), std::nullopt);
  write("shutdown", "for all");
  write("shutdown.pop3", "for pop3");
  EXPECT_EQ(text(), "for pop3");
  std::filesystem::create_directory(directory_.path() / "shutdown.x");
  EXPECT_EQ(read_shutdown_file(directory_.path(), "x/../shutdown.pop3"), "for all");
}

TEST_F(ShutdownNoticeTest, WhatIsNoFileIsNotThere) {
  ASSERT_EQ(::mkfifo((directory_.path() / "shutdown.pop3").c_str(), 0600), 0);
  std::filesystem::create_directory(directory_.path() / "shutdown");
  EXPECT_EQ(text(), std::nullopt);
  EXPECT_EQ(read_shutdown_file(directory_.path() / "nowhere", "pop3"), std::nullopt);
}

TEST_F(ShutdownNoticeTest, ReadsNoMoreThanAReplyCanHold) {
  write("shutdown", std::string(1 << 20, 'x'));
  EXPECT_LE(text()->size(), 1024U);
}

}  // namespace
}  // namespace server

#include "cyrus/sync_log.hpp"

#include "base/file_io.hpp"
#include "base/file_lock.hpp"
#include "cyrus/idle_notify.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>

namespace cyrus {
namespace {

namespace fs = std::filesystem;

MailboxName name_of(const std::string& intname) { return MailboxName::from_intname(intname).value(); }

TEST(SyncLogLine, QuotesNamesAsItsReaderExpects) {
  EXPECT_EQ(sync_log_line(name_of("user.ann")), "MAILBOX user.ann\n");
  EXPECT_EQ(sync_log_line(name_of("user.ann.Sent Items")), "MAILBOX \"user.ann.Sent Items\"\n");
  EXPECT_EQ(sync_log_line(name_of("user.ann.a(b)")), "MAILBOX \"user.ann.a(b)\"\n");
  EXPECT_EQ(sync_log_line(name_of("user.ann.a\"{b}\\")), "MAILBOX \"user.ann.a\\\"\\{b\\}\\\\\"\n");
}

class SyncLogTest : public ::testing::Test {
 protected:
  SyncLogTest() {
    config_.config_directory = directory_.path();
    config_.sync_log = true;
  }

  std::string text(const char* log) const { return base::read_file(directory_.path() / log, 1000).value(); }

  support::TempDirectory directory_;
  StoreConfig config_;
};

TEST_F(SyncLogTest, AppendsToTheChannelWithoutANameUnlessOthersAreListed) {
  ASSERT_TRUE(log_mailbox_change(config_, name_of("user.ann")));
  config_.sync_log_channels = "\"\"  squatter";
  ASSERT_TRUE(log_mailbox_change(config_, name_of("user.bob")));
  EXPECT_EQ(text("sync/log"), "MAILBOX user.ann\nMAILBOX user.bob\n");
  EXPECT_EQ(text("sync/squatter/log"), "MAILBOX user.bob\n");
}

TEST_F(SyncLogTest, WritesNothingWhenItIsOff) {
  config_.sync_log = false;
  ASSERT_TRUE(log_mailbox_change(config_, name_of("user.ann")));
  EXPECT_FALSE(fs::exists(directory_.path() / "sync"));
}

TEST_F(SyncLogTest, TriesAllChannelsAndReportsTheOneThatFails) {
  config_.sync_log_channels = "first second";
  fs::create_directories(directory_.path() / "sync/first/log");
  EXPECT_FALSE(log_mailbox_change(config_, name_of("user.ann")));
  EXPECT_EQ(text("sync/second/log"), "MAILBOX user.ann\n");
}

TEST_F(SyncLogTest, GivesUpOnALockThatStaysTaken) {
  fs::create_directories(directory_.path() / "sync");
  std::ofstream(directory_.path() / "sync/log") << "";
  const auto fd = base::open_file(directory_.path() / "sync/log", O_RDWR);
  const auto lock = base::FileLock::try_lock(fd->value(), base::LockMode::exclusive, "log");
  EXPECT_EQ(log_mailbox_change(config_, name_of("user.ann")).error().code, base::Errc::busy);
  EXPECT_EQ(text("sync/log"), "");
}

TEST(IdleMessage, IsTheStructureThatIdledReads) {
  const std::string message = idle_message(name_of("user.ann"));
  ASSERT_EQ(message.size(), sizeof(unsigned long) + 9);
  unsigned long which = 0;
  std::memcpy(&which, message.data(), sizeof which);
  EXPECT_EQ(which, 2u);
  EXPECT_STREQ(message.data() + sizeof which, "user.ann");
}

TEST(NotifyIdle, DoesNotMindAMissingDaemon) {
  StoreConfig config;
  for (const char* socket : {"", "/nowhere/at/all", "/etc/passwd"}) {
    config.idle_socket = socket;
    notify_idle(config, name_of("user.ann"));
  }
  config.idle_socket = std::string(200, 'x');
  notify_idle(config, name_of("user.ann"));
}

}  // namespace
}  // namespace cyrus

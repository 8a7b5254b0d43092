#include "cyrus/message_intake.hpp"

#include "base/sha1.hpp"
#include "cyrus/delivery_support.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cyrus {
namespace {

namespace fs = std::filesystem;

class MessageIntakeTest : public ::testing::Test {
 protected:
  MessageIntakeTest() {
    for (const char* name : {"one", "two"}) {
      config_.partitions[name] = directory_.path() / name;
      fs::create_directory(directory_.path() / name);
    }
    config_.default_partition = "one";
  }

  support::TempDirectory directory_;
  StoreConfig config_;
};

TEST_F(MessageIntakeTest, StagesWhatAMailboxGets) {
  IntakeOptions options;
  options.trace_headers = "Return-Path: <a@b>\r\nReceived: here\r\n";
  options.message_id = "<new@host>";
  options.date = "Fri, 27 Nov 2026 13:00:00 +0000";
  const std::string text =
      "Return-Path: <a@b>\r\nReceived: here\r\nSubject: x\r\nMessage-ID: <new@host>\r\n"
      "Date: Fri, 27 Nov 2026 13:00:00 +0000\r\n\r\nbody\r\n";
  const StagedMessage message = stage(config_, "Return-Path: <old>\nSubject: x\n\nbody\n", options);
  const auto file = message.file_on("one");
  ASSERT_TRUE(file);
  EXPECT_EQ(content_of(*file), text);
  EXPECT_EQ(message.size(), text.size());
  EXPECT_EQ(message.facts().header_size, text.size() - 6);
  EXPECT_EQ(message.facts().guid, base::sha1(text));
  EXPECT_EQ(message.facts().message_id, "<new@host>");
  EXPECT_EQ(message.facts().date, "Fri, 27 Nov 2026 13:00:00 +0000");
  struct stat status = {};
  ASSERT_EQ(::stat(file->c_str(), &status), 0);
  EXPECT_EQ(static_cast<std::uint64_t>(status.st_mtime), message.facts().internaldate.seconds);
}

TEST_F(MessageIntakeTest, TakesMessagesLargerThanItKeepsInMemory) {
  std::string text = "Subject: large\r\n\r\n";
  while (text.size() < 3'500'000) text += "a line of some length, and some more\r\n";
  auto intake = MessageIntake::begin(config_, {});
  ASSERT_TRUE(intake);
  for (std::size_t at = 0; at < text.size(); at += 60'000) ASSERT_TRUE(intake->write(text.substr(at, 60'000)));
  const auto message = intake->finish();
  ASSERT_TRUE(message);
  EXPECT_EQ(content_of(message->file_on("one").value()), text);
  EXPECT_EQ(message->facts().guid, base::sha1(text));
}

TEST_F(MessageIntakeTest, CopiesToAnotherPartitionOnce) {
  const StagedMessage message = stage(config_, kMessage);
  const auto there = message.file_on("two");
  ASSERT_TRUE(there);
  EXPECT_EQ(there->parent_path(), directory_.path() / "two" / "stage.");
  EXPECT_EQ(content_of(*there), content_of(message.file_on("ONE").value()));
  EXPECT_EQ(message.file_on("Two").value(), *there);
  EXPECT_EQ(message.file_on("three").error().code, base::Errc::invalid);
}

TEST_F(MessageIntakeTest, LeavesNoFileBehind) {
  {
    const StagedMessage message = stage(config_, kMessage);
    ASSERT_TRUE(message.file_on("two"));
    EXPECT_EQ(staged_files(config_).size(), 2U);
    auto given_up = MessageIntake::begin(config_, {});
    ASSERT_TRUE(given_up);
    ASSERT_TRUE(given_up->write("Subject: x\r\n"));
  }
  EXPECT_EQ(staged_files(config_), Strings{});
}

TEST_F(MessageIntakeTest, RefusesToTheEndWhatItRefusedOnce) {
  auto intake = MessageIntake::begin(config_, {});
  ASSERT_TRUE(intake);
  EXPECT_EQ(intake->write("no header\r\n\r\n").error().code, base::Errc::invalid);
  EXPECT_EQ(intake->fault(), TextFault::malformed_header);
  EXPECT_EQ(intake->write("body\r\n").error().text, "message contains invalid header");
  EXPECT_EQ(intake->finish().error().code, base::Errc::invalid);

  IntakeOptions bounded;
  bounded.max_octets = 5;
  auto large = MessageIntake::begin(config_, bounded);
  ASSERT_TRUE(large);
  EXPECT_EQ(large->write("A: 1\r\n\r\n").error().code, base::Errc::limit);
}

TEST_F(MessageIntakeTest, RemovesLeftoversOfAKilledProcessAndNothingElse) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto message = MessageIntake::begin(config_, {});
    static_cast<void>(message->write("Subject: never ends\r\n"));
    ::raise(SIGKILL);
  }
  ASSERT_GT(child, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(staged_files(config_).size(), 1U);

  const StagedMessage alive = stage(config_, kMessage);
  const fs::path of_cyrus = directory_.path() / "one" / "stage." / "123-1795382167-0";
  std::ofstream(of_cyrus) << "theirs";
  EXPECT_EQ(remove_stale_stage_files(config_), 1U);
  EXPECT_EQ(remove_stale_stage_files(config_), 0U);
  EXPECT_TRUE(fs::exists(of_cyrus));
  EXPECT_EQ(content_of(alive.file_on("one").value()), kMessage);
}

TEST_F(MessageIntakeTest, NamesTheFileThatTheDiskRefuses) {
  config_.partitions["one"] = directory_.path() / "missing";
  EXPECT_EQ(MessageIntake::begin(config_, {}).error().code, base::Errc::not_found);
}

}  // namespace
}  // namespace cyrus

#include "pop3d/telemetry.hpp"

#include "pop3d/telemetry_file.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace pop3d {
namespace {

namespace fs = std::filesystem;

std::string shown(std::string_view octets) { return ClientMask().show(octets); }

TEST(ClientMask, ShowsTheCommandsOfTheTransactionState) {
  for (const std::string line :
       {"STAT\r\n", "list 1\n", "RETR 2\r\n", "TOP 1 5\r\n", "\r\n", "XTND XMIT\r\n", "UTF8\r\n"}) {
    EXPECT_EQ(shown(line), line);
  }
}

TEST(ClientMask, HidesWhatMayBeAPassword) {
  EXPECT_EQ(shown("PASS secret\r\nSTAT\r\n"), "***\r\nSTAT\r\n");
  EXPECT_EQ(shown("AUTH PLAIN AGFsaWNlAHg=\r\nAGFsaWNlAHg=\nNOOP\n"), "***\r\n***\nNOOP\n");
  EXPECT_EQ(shown("secret\r\n"), "***\r\n");
  EXPECT_EQ(shown("STATsecret\r\n"), "***\r\n");
  EXPECT_EQ(shown("\tsecret\r\n"), "***\r\n");
}

TEST(ClientMask, KeepsTheBeginOfALineBackUntilItIsKnown) {
  ClientMask mask;
  EXPECT_EQ(mask.show("ST"), "");
  EXPECT_EQ(mask.show("AT"), "");
  EXPECT_EQ(mask.show("\r\nPA"), "STAT\r\n");
  EXPECT_EQ(mask.show("SS geheim"), "***");
  EXPECT_EQ(mask.show(" und mehr\r"), "");
  EXPECT_EQ(mask.show("\nQUIT\r\n"), "\r\nQUIT\r\n");
}

RC_GTEST_PROP(ClientMask, ShowsTheSameWhereverItIsSplit, (std::string text, std::size_t at)) {
  text += "\nPASS secret\r\nSTAT\r\n";
  at %= text.size() + 1;
  ClientMask mask;
  std::string parts = mask.show(std::string_view(text).substr(0, at));
  parts += mask.show(std::string_view(text).substr(at));
  RC_ASSERT(parts == shown(text));
  RC_ASSERT(parts.find("secret") == std::string::npos);
}

TEST(TelemetryText, IsThatOfCyrus) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(telemetry_head("alice", 1795381369), "---------- alice Sun Nov 22 21:02:49 2026\n\n");
  EXPECT_EQ(telemetry_received("STAT\r\n", 1795381369), "<1795381369<STAT\r\n");
  EXPECT_EQ(telemetry_sent("+OK 5 9169\r\n", 1795381369), ">1795381369>+OK 5 9169\r\n");
  EXPECT_EQ(telemetry_sent("", 1795381369), "");
}

class TelemetryFile : public ::testing::Test {
 protected:
  TelemetryFile() {
    std::string name = fs::temp_directory_path() / "pillarbox-telemetry-XXXXXX";
    root = ::mkdtemp(name.data());
    fs::create_directories(root / "log" / "alice");
    ::chmod((root / "log" / "alice").c_str(), 0700);
    place.directory = root / "log";
    place.user = "alice";
    place.service = "pop3";
    place.session_id = "mail-host-1795381369-77-3-123456";
  }
  ~TelemetryFile() override { fs::remove_all(root); }

  std::string name_of(const base::UniqueFd& file) const {
    std::array<char, 4096> path{};
    const auto link = "/proc/self/fd/" + std::to_string(file.value());
    const auto size = ::readlink(link.c_str(), path.data(), path.size());
    return fs::path(std::string(path.data(), static_cast<std::size_t>(size))).filename();
  }
  std::string opened() {
    auto file = open_telemetry(place);
    if (!file) return "refused: " + file.error().text;
    return *file ? name_of(**file) : "none";
  }
  fs::path directory() const { return root / "log" / "alice"; }
  std::string pid_name() const { return "pop3-" + std::to_string(::getpid()); }

  fs::path root;
  TelemetryPlace place;
};

TEST_F(TelemetryFile, NeedsADirectoryOfTheUser) {
  place.user = "bob";
  EXPECT_EQ(opened(), "none");
  place.directory.clear();
  EXPECT_EQ(opened(), "none");
}

TEST_F(TelemetryFile, IsNamedAfterTheProcessAndNoTwoSessionsShareIt) {
  EXPECT_EQ(opened(), pid_name());
  EXPECT_EQ(opened(), pid_name() + "-1795381369.3");
  place.session_id = "mail-host-1795381369-77-4-99";
  EXPECT_EQ(opened(), pid_name() + "-1795381369.4");
}

TEST_F(TelemetryFile, SessionsThatFollowOneAnotherShareTheOneOfTheProcess) {
  place.one_at_a_time = true;
  EXPECT_EQ(opened(), pid_name());
  EXPECT_EQ(opened(), pid_name());
}

TEST_F(TelemetryFile, IsNamedAfterTheSessionWhenAsked) {
  place.by_session_id = true;
  place.session_id = "a/b-1-2-3-4";
  EXPECT_EQ(opened(), "pop3-a_b-1-2-3-4");
  EXPECT_NE(opened().find("File exists"), std::string::npos);
}

TEST_F(TelemetryFile, NoUserNameLeadsOutOfTheDirectory) {
  for (const std::string user : {"", ".", "..", "../log/alice", "alice/"}) {
    place.user = user;
    EXPECT_EQ(opened(), "none") << user;
  }
  place.user = std::string("alice\0x", 7);
  EXPECT_EQ(opened(), "none");
}

TEST_F(TelemetryFile, FollowsNoLinkInPlaceOfTheDirectory) {
  fs::create_directory_symlink(directory(), root / "log" / "eve");
  place.user = "eve";
  EXPECT_TRUE(opened().starts_with("refused: ")) << opened();
  EXPECT_TRUE(fs::is_empty(directory()));
}

TEST_F(TelemetryFile, FollowsNoLinkInPlaceOfTheFile) {
  std::ofstream(root / "target") << "mail";
  fs::create_symlink(root / "target", directory() / pid_name());
  place.one_at_a_time = true;
  EXPECT_TRUE(opened().starts_with("refused: ")) << opened();
  fs::remove(directory() / pid_name());
  fs::create_hard_link(root / "target", directory() / pid_name());
  EXPECT_NE(opened().find("has another name elsewhere"), std::string::npos) << opened();
  fs::remove(directory() / pid_name());
  ASSERT_EQ(::mkfifo((directory() / pid_name()).c_str(), 0600), 0);
  EXPECT_TRUE(opened().starts_with("refused: ")) << opened();
  EXPECT_EQ(fs::file_size(root / "target"), 4U);
}

TEST_F(TelemetryFile, ADirectoryThatOthersMayWriteInIsRefused) {
  ::chmod(directory().c_str(), 0777);
  EXPECT_NE(opened().find("others may write in it"), std::string::npos) << opened();
  if (::geteuid() != 0) return;
  ::chmod(directory().c_str(), 0755);
  ASSERT_EQ(::chown(directory().c_str(), 12345, 12345), 0);
  EXPECT_NE(opened().find("belongs to somebody else"), std::string::npos) << opened();
}

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST_F(TelemetryFile, WhatPassesIsThereWhenTheWriterHasGone) {
  {
    TelemetryWriter writer;
    auto file = open_telemetry(place);
    ASSERT_TRUE(file && *file);
    Telemetry telemetry(writer, std::move(**file), "alice");
    telemetry.sent("+OK Mailbox locked and ready\r\n");
    telemetry.received("STAT\r\n");
    telemetry.received("PASS x\r\n");
    telemetry.sent("+OK 5 9169\r\n");
    EXPECT_EQ(telemetry.trouble(), std::nullopt);
  }
  const std::string text = content(directory() / pid_name());
  EXPECT_TRUE(text.starts_with("---------- alice ")) << text;
  EXPECT_NE(text.find(">+OK Mailbox locked and ready\r\n<"), std::string::npos) << text;
  EXPECT_NE(text.find("<***\r\n>"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with(">+OK 5 9169\r\n")) << text;
}

std::optional<std::string> wait_for_trouble(Telemetry& telemetry) {
  for (int i = 0; i < 500; ++i) {
    if (auto trouble = telemetry.trouble()) return trouble;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return std::nullopt;
}

TEST_F(TelemetryFile, AFullDiskIsToldOnceAndStopsNobody) {
  TelemetryWriter writer;
  Telemetry telemetry(writer, base::UniqueFd(::open("/dev/full", O_WRONLY | O_CLOEXEC)), "alice");
  telemetry.sent("+OK\r\n");
  EXPECT_EQ(wait_for_trouble(telemetry), "telemetry of alice ends here: No space left on device");
  telemetry.sent("+OK\r\n");
  EXPECT_EQ(telemetry.trouble(), std::nullopt);
}

TEST_F(TelemetryFile, ADiskThatHangsCostsWhatWouldHaveBeenWrittenAndNoWait) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const base::UniqueFd reader(ends[0]);
  std::thread drain;
  {
    TelemetryWriter writer;
    Telemetry telemetry(writer, base::UniqueFd(ends[1]), "alice");  // what the pipe does not take waits for ever
    const std::string block(200'000, 'x');
    for (int i = 0; i < 40; ++i) telemetry.sent(block);
    EXPECT_EQ(telemetry.trouble(), "telemetry of alice is incomplete: the disk is too slow");
    drain = std::thread([&reader] {
      std::array<char, 65536> room{};
      while (::read(reader.value(), room.data(), room.size()) > 0) {
      }
    });
  }
  drain.join();
}

TEST_F(TelemetryFile, ADirectoryThatIsTakenAwayTurnsItOff) {
  TelemetryWriter writer;
  auto file = open_telemetry(place);
  ASSERT_TRUE(file && *file);
  const base::UniqueFd look(::dup((*file)->value()));
  Telemetry telemetry(writer, std::move(**file), "alice");
  fs::remove_all(directory());
  for (int i = 0; i < 3; ++i) {
    telemetry.sent("+OK\r\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  struct stat found = {};
  ASSERT_EQ(::fstat(look.value(), &found), 0);
  EXPECT_EQ(found.st_size, 0);
  EXPECT_EQ(telemetry.trouble(), std::nullopt);
}

}  // namespace
}  // namespace pop3d

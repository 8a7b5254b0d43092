#include "server/host_access.hpp"

#include "net/spawn.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>

namespace server {
namespace {

class HostAccessTest : public ::testing::Test {
 protected:
  HostAccessTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "host-access-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    access_.emplace(loop_, HostAccessFiles{folder_ / "hosts.allow", folder_ / "hosts.deny"});
  }
  ~HostAccessTest() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }

  static net::Task<void> ask(HostAccess& access, std::string daemon, std::string ip, std::optional<bool>& out) {
    net::Endpoint client{std::move(ip), 1024};
    net::Endpoint server{"127.0.0.1", 110};
    out = co_await access.allows(std::move(daemon), std::move(client), std::move(server), -1);
  }

  bool allows(const std::string& ip, const std::string& daemon = "pop3") {
    std::optional<bool> out;
    net::spawn(loop_, ask(*access_, daemon, ip, out));
    loop_.restart();
    loop_.run_for(std::chrono::seconds(20));
    EXPECT_TRUE(out.has_value());
    return out.value_or(false);
  }

  std::filesystem::path folder_;
  net::Loop loop_{1};
  std::optional<HostAccess> access_;
};

TEST_F(HostAccessTest, LetsEverybodyInWithoutAskingWhileNoFileHasARule) {
  EXPECT_TRUE(allows("192.0.2.1"));
  EXPECT_FALSE(access_->asked());
  write("hosts.allow", "# a comment\n\n   \n");
  write("hosts.deny", "#ALL: ALL\n");
  EXPECT_TRUE(allows("192.0.2.1"));
  EXPECT_FALSE(access_->asked());
}

TEST_F(HostAccessTest, AsksForTheNameOfTheService) {
  write("hosts.deny", "pop3: ALL\nimap: 192.0.2.\n");
  EXPECT_FALSE(allows("192.0.2.1", "pop3"));
  EXPECT_TRUE(allows("192.0.2.1", "pop3s"));
  EXPECT_FALSE(allows("192.0.2.1", "imap"));
  EXPECT_TRUE(allows("198.51.100.1", "imap"));
}

TEST_F(HostAccessTest, LooksAtHostsAllowFirst) {
  write("hosts.allow", "pop3: [2001:db8::]/32, 192.0.2.0/255.255.255.0 EXCEPT 192.0.2.9\n");
  write("hosts.deny", "ALL: ALL\n");
  EXPECT_TRUE(allows("192.0.2.1"));
  EXPECT_FALSE(allows("192.0.2.9"));
  EXPECT_FALSE(allows("198.51.100.1"));
  EXPECT_TRUE(allows("2001:db8::1"));
  EXPECT_FALSE(allows("2001:db9::1"));
  EXPECT_TRUE(allows(""));
}

TEST_F(HostAccessTest, SeesARuleThatComesAndOneThatGoes) {
  EXPECT_TRUE(allows("192.0.2.1"));
  write("hosts.deny", "ALL: ALL\n");
  EXPECT_FALSE(allows("192.0.2.1"));
  EXPECT_FALSE(allows("192.0.2.1"));
  std::filesystem::remove(folder_ / "hosts.deny");
  EXPECT_TRUE(allows("192.0.2.1"));
  EXPECT_TRUE(allows("192.0.2.1"));
  EXPECT_FALSE(access_->asked());
}

TEST_F(HostAccessTest, RefusesWhatARuleWouldReplaceTheProcessFor) {
  write("hosts.deny", "pop3: ALL: twist /bin/echo go away\n");
  EXPECT_FALSE(allows("192.0.2.1"));
  EXPECT_FALSE(allows("192.0.2.1"));
}

TEST_F(HostAccessTest, RunsTheCommandsOfRules) {
  write("hosts.deny", "pop3: ALL: spawn /bin/echo %a > " + (folder_ / "seen").string() + "\n");
  EXPECT_FALSE(allows("192.0.2.1"));
  std::string line;
  for (int i = 0; i < 2000 && line.empty(); ++i) {
    ::usleep(1000);
    std::ifstream(folder_ / "seen") >> line;
  }
  EXPECT_EQ(line, "192.0.2.1");
}

}  // namespace
}  // namespace server

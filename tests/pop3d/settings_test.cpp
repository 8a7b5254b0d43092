#include "pop3d/settings.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace pop3d {
namespace {

using std::chrono::seconds;

/// What a file with these lines means to a plain service; `arguments` are pop3d's own.
base::Result<Settings> read(std::string_view lines, const std::vector<const char*>& arguments = {}) {
  const std::string text =
      "configdirectory: /c\npartition-default: /p\ndefaultpartition: default\n"
      "servername: mail.example\n" +
      std::string(lines);
  const auto conf = config::ImapdConf::parse("imapd.conf", text, "pop3", nullptr);
  if (!conf) return tl::unexpected(conf.error());
  return settings(*conf, *parse_command_line(arguments));
}

TEST(Settings, IdleTimeIsAtLeastTenMinutes) {  // RFC 1939 s3
  EXPECT_EQ(read("")->idle_timeout, seconds(600));
  EXPECT_EQ(read("poptimeout: 1\n")->idle_timeout, seconds(600));
  EXPECT_EQ(read("poptimeout: 20\n")->idle_timeout, seconds(1200));
}

TEST(Settings, LoginDelayAndExpireAreWhatCapaAnnounces) {  // RFC 2449 s6.5, s6.7
  EXPECT_EQ(read("")->login_delay, 0U);
  EXPECT_FALSE(read("")->expire_days);
  const auto set = read("popminpoll: 10\npopexpiretime: 90\n");
  EXPECT_EQ(set->login_delay, 600U);
  EXPECT_EQ(set->expire_days, 90U);
}

TEST(Settings, PausesAreThoseOfTheFileAndNeverNegative) {
  EXPECT_EQ(read("")->failed_login_pause, seconds(3));
  EXPECT_EQ(read("")->plaintext_login_pause, seconds(0));
  const auto set = read("failedloginpause: 0\nplaintextloginpause: 2\n");
  EXPECT_EQ(set->failed_login_pause, seconds(0));
  EXPECT_EQ(set->plaintext_login_pause, seconds(2));
  EXPECT_EQ(read("failedloginpause: -5\n")->failed_login_pause, seconds(0));
}

TEST(Settings, OwnOptionsBoundTheProcess) {
  const auto set = read(
      "pop3_login_deadline: 1m\npop3_lock_timeout: 5\npop3_drain_timeout: 7\npop3_store_threads: 3\n"
      "pop3_auth_threads: 0\npop3_sessions_per_process: 50\n");
  EXPECT_EQ(set->login_deadline, seconds(60));
  EXPECT_EQ(set->lock_timeout, seconds(5));
  EXPECT_EQ(set->drain_timeout, seconds(7));
  EXPECT_EQ(set->store_threads, 3U);
  EXPECT_EQ(set->auth_threads, 1U);
  EXPECT_EQ(set->max_sessions, 50U);
}

TEST(Settings, OnlyAProcessOfOneSessionHasAnEntryInProc) {
  EXPECT_EQ(read("")->proc_directory, "");
  EXPECT_EQ(read("pop3_sessions_per_process: 1\n")->proc_directory, "/c/proc/");
  EXPECT_EQ(read("pop3_sessions_per_process: 1\nproc_path: /run/proc\n")->proc_directory, "/run/proc");
}

TEST(Settings, StlsIsOfferedWithACertificateUnlessTheFileSaysNo) {
  const std::string certificate = "tls_server_cert: /x.pem\ntls_server_key: /x.key\n";
  EXPECT_FALSE(read("")->login_rules.stls_offered);
  EXPECT_TRUE(read(certificate)->login_rules.stls_offered);
  EXPECT_FALSE(read(certificate + "allowstarttls: no\n")->login_rules.stls_offered);
}

TEST(Settings, ImplicitTlsNeedsACertificate) {
  const auto without = read("", {"-s"});
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().text, "imapd.conf: option -s needs tls_server_cert and tls_server_key");
  EXPECT_TRUE(read("tls_server_cert: /x.pem\ntls_server_key: /x.key\n", {"-s"})->implicit_tls);
}

TEST(Settings, SessionIdsBeginWithThePrefixElseTheServersName) {
  EXPECT_EQ(read("")->session_id_base, "mail.example");
  EXPECT_EQ(read("syslog_prefix: cyrus\n")->session_id_base, "cyrus");
}

TEST(Settings, TheServicesOwnLineGoesFirst) {
  EXPECT_EQ(read("poptimeout: 30\npop3_poptimeout: 20\n")->idle_timeout, seconds(1200));
}

}  // namespace
}  // namespace pop3d

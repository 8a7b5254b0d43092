#include "auth/site.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace {

using namespace std::string_view_literals;

TEST(PasswordCheck, RightPasswordGivesTheCanonicalUser) {
  Site site{Site::with_sasldb()};
  site.add_user("alice", "secret");
  const auto outcome = site.check("ALICE", "secret");
  EXPECT_EQ(verdict(outcome), "alice");
  EXPECT_EQ(outcome.identity->authenticated_as, "alice");
}

TEST(PasswordCheck, WrongPasswordAndUnknownUserLookAlike) {
  Site site{Site::with_sasldb()};
  site.add_user("alice", "secret");
  EXPECT_EQ(verdict(site.check("alice", "wrong")), "credentials");
  EXPECT_EQ(verdict(site.check("nobody", "secret")), "credentials");
}

TEST(PasswordCheck, RefusalSpeaksTheWordsOfTheOriginalToTheLog) {
  Site site{Site::with_sasldb()};
  site.add_user("alice", "secret");
  const auto wrong = site.check("alice", "wrong");
  ASSERT_TRUE(wrong.refusal);
  EXPECT_EQ(wrong.refusal->reason, "SASL(-13): authentication failure: checkpass failed");
  EXPECT_EQ(wrong.refusal->user, "alice");
  const auto unknown = site.check("nobody", "wrong");
  ASSERT_TRUE(unknown.refusal);
  EXPECT_EQ(unknown.refusal->reason, "SASL(-13): user not found: checkpass failed");
}

TEST(PasswordCheck, ServerNameIsTheRealmOfSasldb) {
  Site site{Site::with_sasldb()};
  site.add_user("alice", "secret", "elsewhere.example");
  EXPECT_EQ(verdict(site.check("alice", "secret")), "credentials");
  site.add_user("alice", "here", "test.example");
  EXPECT_EQ(verdict(site.check("alice", "here")), "alice");
}

TEST(PasswordCheck, VirtualDomainsAreRealmsOfSasldb) {
  Site site{Site::with_sasldb({"virtdomains: userid", "defaultdomain: test.example"})};
  site.add_user("alice", "own", "test.example");
  site.add_user("alice", "other", "other.example");
  EXPECT_EQ(verdict(site.check("alice", "own")), "alice");
  EXPECT_EQ(verdict(site.check("alice@test.example", "own")), "alice");
  EXPECT_EQ(verdict(site.check("alice%other.example", "other")), "alice@other.example");
  EXPECT_EQ(verdict(site.check("alice@other.example", "own")), "credentials");
}

TEST(PasswordCheck, OtherRealmsAreForThoseInLoginrealmsOnly) {
  {
    Site site{Site::with_sasldb()};
    site.add_user("alice", "other", "other.example");
    EXPECT_EQ(verdict(site.check("alice@other.example", "other")), "credentials");
  }
  Site site{Site::with_sasldb({"loginrealms: third.example other.example"})};
  site.add_user("alice", "other", "other.example");
  EXPECT_EQ(verdict(site.check("alice@other.example", "other")), "alice@other.example");
}

TEST(PasswordCheck, PlusNamesAFolderWithPopsubfoldersOnly) {
  {
    Site site{Site::with_sasldb()};
    site.add_user("alice", "secret");
    EXPECT_EQ(verdict(site.check("alice+sub", "secret")), "credentials");
  }
  Site site{Site::with_sasldb({"popsubfolders: yes"})};
  site.add_user("alice", "secret");
  EXPECT_EQ(verdict(site.check("alice+sub.Deep", "secret")), "alice+sub.Deep");
  EXPECT_EQ(verdict(site.check("alice", "secret")), "alice");
}

TEST(PasswordCheck, DotIsNoLetterWhereItSeparatesFolders) {
  Site site{Site::with_sasldb({"unixhierarchysep: no"})};
  site.add_user("a.b", "secret");
  const auto outcome = site.check("a.b", "secret");
  EXPECT_EQ(verdict(outcome), "credentials");
  EXPECT_EQ(outcome.refusal->reason, "invalid user");
}

TEST(PasswordCheck, NulsHideNothing) {
  Site site{Site::with_sasldb()};
  site.add_user("alice", "secret");
  EXPECT_EQ(verdict(site.check("alice", "secret\0junk"sv)), "credentials");
  EXPECT_EQ(verdict(site.check(std::string{"alice\0bob"sv}, "secret")), "credentials");
}

TEST(PasswordCheck, EmptyAndHugePasswordsDoNotReachTheBackEnd) {
  Site site{Site::with_sasldb()};
  site.add_user("alice", "secret");
  EXPECT_EQ(verdict(site.check("alice", "")), "credentials");
  EXPECT_EQ(verdict(site.check("alice", std::string(1 << 20, 'x'))), "credentials");
  EXPECT_EQ(verdict(site.check("", "secret")), "credentials");
  EXPECT_EQ(verdict(site.check(std::string(1 << 20, 'a'), "secret")), "credentials");
}

TEST(PasswordCheck, BlanksOfAPasswordCount) {
  Site site{Site::with_sasldb()};
  site.add_user("alice", " two words ");
  EXPECT_EQ(verdict(site.check("alice", " two words ")), "alice");
  EXPECT_EQ(verdict(site.check("alice", "two words")), "credentials");
}

TEST(PasswordCheck, AnonymousNeedsTheOptionAndNoPassword) {
  {
    Site site{Site::with_sasldb()};
    site.add_user("anonymous", "secret");
    const auto outcome = site.check("Anonymous", "secret");
    EXPECT_EQ(verdict(outcome), "credentials");
    EXPECT_EQ(outcome.refusal->reason, "anonymous login refused");
  }
  Site site{Site::with_sasldb({"allowanonymouslogin: yes"})};
  EXPECT_EQ(verdict(site.check("ANONYMOUS", "me@example.test")), "anonymous");
}

TEST(PasswordCheck, ClearTextChannelNeedsAllowplaintextOrALayer) {
  auto behind_tls_proxy = Site::clear_text();
  behind_tls_proxy.external_ssf = 2;
  {
    Site site{Site::with_sasldb()};
    site.add_user("alice", "secret");
    EXPECT_EQ(verdict(site.check("alice", "secret", Site::clear_text())), "too_weak");
    EXPECT_EQ(verdict(site.check("alice", "secret", behind_tls_proxy)), "alice");
    EXPECT_EQ(verdict(site.check("alice", "secret", Site::tls())), "alice");
  }
  Site site{Site::with_sasldb({"allowplaintext: yes"})};
  site.add_user("alice", "secret");
  EXPECT_EQ(verdict(site.check("alice", "secret", Site::clear_text())), "alice");
}

TEST(PasswordCheck, ExchangeIsGoodForOneAttempt) {
  Site site{Site::with_sasldb()};
  site.add_user("alice", "secret");
  const auto exchange = site.begin(Site::tls());
  EXPECT_EQ(verdict(exchange->check_password("alice", base::Secret{"wrong"})), "credentials");
  EXPECT_EQ(verdict(exchange->check_password("alice", base::Secret{"secret"})), "bad_protocol");
  EXPECT_EQ(verdict(exchange->start("PLAIN", base::Secret{"\0alice\0secret"sv})), "bad_protocol");
  EXPECT_EQ(verdict(exchange->step(base::Secret{"\0alice\0secret"sv})), "bad_protocol");
}

TEST(PasswordCheck, ServicePrefixBeatsThePlainOption) {
  Site site{{"sasl_pwcheck_method: saslauthd", "pop3_sasl_pwcheck_method: auxprop", "sasl_auxprop_plugin: sasldb",
             "sasl_sasldb_path: PATH/none", "pop3_sasl_sasldb_path: PATH/sasldb2"}};
  site.add_user("alice", "secret");
  EXPECT_EQ(verdict(site.check("alice", "secret")), "alice");
}

TEST(PasswordCheck, NoPasswordEverReachesTheLog) {
  Site site{Site::with_sasldb({"sasl_log_level: 7"})};
  site.add_user("alice", "correcthorse");
  EXPECT_EQ(verdict(site.check("alice", "correcthorse")), "alice");
  EXPECT_EQ(verdict(site.check("alice", "batterystaple")), "credentials");
  EXPECT_EQ(verdict(site.plain("", "alice", "batterystaple")), "credentials");
  const auto logged = site.logged();
  EXPECT_NE(logged.find("Password verification failed"), std::string::npos) << "the level is not obeyed";
  EXPECT_EQ(logged.find("correcthorse"), std::string::npos);
  EXPECT_EQ(logged.find("batterystaple"), std::string::npos);
}

}  // namespace

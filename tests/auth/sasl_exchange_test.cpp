#include "auth/sasl_client.hpp"
#include "auth/site.hpp"

#include <gtest/gtest.h>

#include <grp.h>
#include <pwd.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif
#include <string>
#include <string_view>

namespace {

using namespace std::string_view_literals;

class SaslExchange : public ::testing::Test {
 protected:
  SaslExchange() {
    site.add_user("alice", "secret");
    site.add_user("bob", "hunter2");
    site.add_user("boss", "admin-secret");
    site.add_user("frontend", "proxy-secret");
  }

  std::string with_client(const std::string& mechanism, const std::string& authcid, const std::string& authzid,
                          const std::string& password) {
    SaslClient client{authcid, authzid, password};
    const auto exchange = site.begin(Site::tls());
    return verdict(client.log_in(*exchange, mechanism));
  }

  Site site{Site::with_sasldb({"admins: cyrus boss", "proxyservers: frontend", "popsubfolders: yes"})};
};

TEST_F(SaslExchange, PlainWithInitialResponse) {
  const auto outcome = site.plain("", "Alice", "secret");
  EXPECT_EQ(verdict(outcome), "alice");
  EXPECT_EQ(outcome.identity->authenticated_as, "alice");
}

TEST_F(SaslExchange, PlainWithoutInitialResponseAsksForItWithAnEmptyChallenge) {  // RFC 5034 s4
  const auto exchange = site.begin(Site::tls());
  const auto first = exchange->start("PLAIN", std::nullopt);
  ASSERT_TRUE(first.challenge);
  EXPECT_EQ(*first.challenge, "");
  EXPECT_EQ(verdict(exchange->step(base::Secret{"\0alice\0secret"sv})), "alice");
}

TEST_F(SaslExchange, WrongPasswordAndUnknownUserLookAlike) {
  const auto wrong = site.plain("", "alice", "wrong");
  const auto unknown = site.plain("", "nobody", "wrong");
  EXPECT_EQ(verdict(wrong), "credentials");
  EXPECT_EQ(verdict(unknown), "credentials");
  EXPECT_EQ(wrong.refusal->reason, "authentication failure");
  EXPECT_EQ(unknown.refusal->reason, "user not found");
  EXPECT_EQ(unknown.refusal->user, "nobody");
}

TEST_F(SaslExchange, OnlyAdminsAndProxyserversActForOthers) {
  EXPECT_EQ(verdict(site.plain("alice", "alice", "secret")), "alice");
  EXPECT_EQ(verdict(site.plain("bob", "alice", "secret")), "credentials");
  EXPECT_EQ(verdict(site.plain("alice", "boss", "wrong")), "credentials");
  EXPECT_EQ(verdict(site.plain("alice", "frontend", "proxy-secret")), "alice");
  const auto outcome = site.plain("ALICE", "boss", "admin-secret");
  EXPECT_EQ(verdict(outcome), "alice");
  EXPECT_EQ(outcome.identity->authenticated_as, "boss");
}

TEST_F(SaslExchange, FolderIsThatOfTheAuthorisationId) {
  EXPECT_EQ(verdict(site.plain("", "alice+sub", "secret")), "alice+sub");
  EXPECT_EQ(verdict(site.plain("alice+sub", "boss", "admin-secret")), "alice+sub");
  EXPECT_EQ(verdict(site.plain("alice", "boss+ignored", "admin-secret")), "alice");
  EXPECT_EQ(verdict(site.plain("alice+sub", "alice", "secret")), "alice+sub");
}

TEST_F(SaslExchange, AnonymousIsNobodysAuthorisationId) {
  EXPECT_EQ(verdict(site.plain("anonymous", "boss", "admin-secret")), "credentials");
}

TEST_F(SaslExchange, LoginAsksForNameThenPassword) {
  const auto exchange = site.begin(Site::tls());
  const auto first = exchange->start("LOGIN", std::nullopt);
  ASSERT_TRUE(first.challenge);
  EXPECT_EQ(*first.challenge, "Username:");
  const auto second = exchange->step(base::Secret{"alice+sub"});
  ASSERT_TRUE(second.challenge);
  EXPECT_EQ(*second.challenge, "Password:");
  EXPECT_EQ(verdict(exchange->step(base::Secret{"secret"})), "alice+sub");
}

TEST_F(SaslExchange, LoginRefusesAWrongPasswordAndANulInARightOne) {
  for (const auto password : {"wrong"sv, "secret\0"sv}) {
    const auto exchange = site.begin(Site::tls());
    ASSERT_TRUE(exchange->start("LOGIN", std::nullopt).challenge);
    ASSERT_TRUE(exchange->step(base::Secret{"alice"}).challenge);
    EXPECT_EQ(verdict(exchange->step(base::Secret{password})), password == "wrong" ? "credentials" : "bad_protocol");
  }
}

TEST_F(SaslExchange, ScramLogsInAndRefuses) {  // RFC 5802 s5, RFC 7677 s3
  for (const char* mechanism : {"SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"}) {
    EXPECT_EQ(with_client(mechanism, "alice", "", "secret"), "alice") << mechanism;
    EXPECT_EQ(with_client(mechanism, "alice", "", "wrong"), "credentials") << mechanism;
    EXPECT_EQ(with_client(mechanism, "nobody", "", "secret"), "credentials") << mechanism;
    EXPECT_EQ(with_client(mechanism, "boss", "alice", "admin-secret"), "alice") << mechanism;
    EXPECT_EQ(with_client(mechanism, "bob", "alice", "hunter2"), "credentials") << mechanism;
  }
}

TEST_F(SaslExchange, ScramWithoutInitialResponseStartsWithAnEmptyChallenge) {
  const auto exchange = site.begin(Site::tls());
  const auto first = exchange->start("SCRAM-SHA-256", std::nullopt);
  ASSERT_TRUE(first.challenge);
  EXPECT_EQ(*first.challenge, "");
  const auto second = exchange->step(base::Secret{"n,,n=alice,r=abcdefgh"});
  ASSERT_TRUE(second.challenge);
  EXPECT_EQ(second.challenge->substr(0, 10), "r=abcdefgh");
}

TEST_F(SaslExchange, CramMd5LogsInAndRefuses) {  // RFC 2195 s2
  EXPECT_EQ(with_client("CRAM-MD5", "alice", "", "secret"), "alice");
  EXPECT_EQ(with_client("CRAM-MD5", "alice+sub", "", "secret"), "alice+sub");
  EXPECT_EQ(with_client("CRAM-MD5", "alice", "", "wrong"), "credentials");
  EXPECT_EQ(with_client("CRAM-MD5", "nobody", "", "secret"), "credentials");
}

TEST_F(SaslExchange, DigestMd5LogsInWithoutALayer) {
  EXPECT_EQ(with_client("DIGEST-MD5", "alice", "", "secret"), "alice");
  EXPECT_EQ(with_client("DIGEST-MD5", "alice", "", "wrong"), "credentials");
}

TEST_F(SaslExchange, ServerFirstMechanismTakesNoInitialResponse) {  // RFC 4422 s5
  const auto exchange = site.begin(Site::tls());
  EXPECT_EQ(verdict(exchange->start("CRAM-MD5", base::Secret{"alice 0123"})), "bad_protocol");
}

TEST_F(SaslExchange, UnknownMechanismsAreNoMechanisms) {
  for (const auto& name : {std::string{"NONESUCH"}, std::string{}, std::string(65536, 'A'), std::string{"PLAIN\0"sv},
                           std::string{"%s%n"}, std::string{"EXTERNAL"}, std::string{"ANONYMOUS"}}) {
    EXPECT_EQ(verdict(site.begin(Site::tls())->start(name, std::nullopt)), "no_mechanism") << name.substr(0, 20);
  }
}

TEST_F(SaslExchange, MechanismNamesHaveNoCase) {
  EXPECT_EQ(verdict(site.begin(Site::tls())->start("plain", base::Secret{"\0alice\0secret"sv})), "alice");
}

TEST_F(SaslExchange, MalformedResponsesEndTheExchange) {
  for (const auto response : {""sv, "alice"sv, "\0alice"sv, "\0alice\0"sv, "\0\0secret"sv, "a\0b\0c\0d"sv}) {
    const auto exchange = site.begin(Site::tls());
    EXPECT_EQ(verdict(exchange->start("PLAIN", base::Secret{response})), "bad_protocol");
    EXPECT_EQ(verdict(exchange->step(base::Secret{"\0alice\0secret"sv})), "bad_protocol");
  }
  for (const auto response : {"garbage"sv, ""sv, "n,,"sv, "n,,n=,r="sv, "\xff\0\0"sv}) {
    const auto outcome = site.begin(Site::tls())->start("SCRAM-SHA-256", base::Secret{response});
    ASSERT_TRUE(outcome.refusal || (response.empty() && outcome.challenge)) << response;
  }
}

TEST_F(SaslExchange, BadNamesAreWrongCredentials) {
  EXPECT_EQ(verdict(site.plain("", std::string(81, 'a'), "secret")), "credentials");
  EXPECT_EQ(verdict(site.plain("", std::string(2000, 'a'), "secret")), "credentials");
  EXPECT_EQ(verdict(site.plain("", "   ", "secret")), "credentials");
  EXPECT_EQ(verdict(site.plain("", "../alice", "secret")), "credentials");
  EXPECT_EQ(verdict(site.plain("../bob", "boss", "admin-secret")), "credentials");
  EXPECT_EQ(verdict(site.plain(std::string(2000, 'b'), "boss", "admin-secret")), "credentials");
}

TEST_F(SaslExchange, AbandonedExchangesLeaveNothingBehind) {
  for (int i = 0; i < 200; ++i) {
    const auto exchange = site.begin(Site::tls());
    ASSERT_TRUE(exchange->start("LOGIN", std::nullopt).challenge);
    ASSERT_TRUE(exchange->step(base::Secret{"alice"}).challenge);
  }
  EXPECT_EQ(verdict(site.plain("", "alice", "secret")), "alice");
}

TEST(SaslExchangeOnClearText, PlainNeedsEncryption) {
  Site site{Site::with_sasldb()};
  site.add_user("alice", "secret");
  const auto outcome = site.begin(Site::clear_text())->start("PLAIN", base::Secret{"\0alice\0secret"sv});
  EXPECT_EQ(verdict(outcome), "too_weak");
  SaslClient client{"alice", "", "secret"};
  EXPECT_EQ(verdict(client.log_in(*site.begin(Site::clear_text()), "SCRAM-SHA-256")), "alice");
}

// libsasl2 2.1.28 keeps what its ciphers took of libcrypto, 6 KiB for each layer of confidentiality: not ours to find.
struct LeaksAreLibsasls {
#if defined(__SANITIZE_ADDRESS__)
  __lsan::ScopedDisabler disabled;
#endif
};

TEST(SaslExchangeLayer, IsNoStrongerThanTheMaximumOfTheFile) {  // RFC 2831 s2.4
  [[maybe_unused]] const LeaksAreLibsasls leaks;
  struct Case {
    std::string option;
    bool layer;
    bool strong;
  };
  for (const Case& c : {Case{"sasl_maximum_layer: 0", false, false}, Case{"sasl_maximum_layer: 1", true, false},
                        Case{"sasl_maximum_layer: 256", true, true}}) {
    Site site{Site::with_sasldb({c.option})};
    site.add_user("alice", "secret");
    auto channel = Site::clear_text();
    channel.layers = true;
    for (const unsigned least : {0U, 40U}) {
      SaslClient client{"alice", "", "secret"};
      client.want_layer(least, 128);
      const auto exchange = site.begin(channel);
      // The client gives up where it is offered too little.
      const auto outcome = client.log_in(*exchange, "DIGEST-MD5");
      EXPECT_EQ(verdict(outcome) == "alice", least == 0 || c.strong) << c.option << ", " << least;
      if (least == 0) {
        EXPECT_EQ(exchange->has_layer(), c.layer) << c.option;
      }
    }
  }
}

TEST(SaslExchangeAnonymous, IsOfferedWithTheOption) {
  Site site{Site::with_sasldb({"allowanonymouslogin: yes"})};
  const auto outcome = site.begin(Site::tls())->start("ANONYMOUS", base::Secret{"me@example.test"});
  EXPECT_EQ(verdict(outcome), "anonymous");
}

TEST(SaslExchangeDots, AreLettersForAuthWhateverTheSeparator) {  // Cyrus: only USER refuses them
  Site site{Site::with_sasldb({"unixhierarchysep: no"})};
  site.add_user("a.b", "secret");
  EXPECT_EQ(verdict(site.plain("", "a.b", "secret")), "a.b");
}

TEST(SaslExchangeGroups, OfUnixCountUnlessTheOptionIsOff) {
  const auto* root = ::getpwuid(0);
  ASSERT_NE(root, nullptr);
  const std::string name = root->pw_name;
  const auto* group = ::getgrgid(root->pw_gid);
  ASSERT_NE(group, nullptr);
  const std::string admins = std::string{"admins: group:"} + group->gr_name;
  for (const bool off : {false, true}) {
    Site site{Site::with_sasldb({admins, std::string{"unix_group_enable: "} + (off ? "no" : "yes")})};
    site.add_user(name, "secret");
    EXPECT_EQ(verdict(site.plain("alice", name, "secret")), off ? "credentials" : "alice");
  }
}

TEST(SaslExchangeVirtualDomains, DefaultDomainStaysOffTheSecondTimeRound) {
  Site site{Site::with_sasldb({"virtdomains: on", "defaultdomain: test.example", "popsubfolders: yes"})};
  site.add_user("alice", "secret");
  EXPECT_EQ(verdict(site.plain("", "alice+sub@test.example", "secret")), "alice+sub");
  EXPECT_EQ(verdict(site.check("alice+sub@test.example", "secret")), "alice+sub");
}

}  // namespace

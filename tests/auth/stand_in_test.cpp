#include "auth/stand_in.hpp"

#include "auth/base64.hpp"
#include "auth/sasl_client.hpp"
#include "auth/site.hpp"

#include <gtest/gtest.h>

#include <compare>
#include <ctime>
#include <fstream>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr const char* kDigest = "0123456789abcdef0123456789abcdef";

const std::map<std::string, std::size_t> kScrams = {
    {"SCRAM-SHA-1", 20}, {"SCRAM-SHA-256", 32}, {"SCRAM-SHA-512", 64}, {"SCRAM-SHA-256-PLUS", 32}};

/// What one try with a wrong password showed.
struct Try {
  std::vector<std::string> challenges;  // what is random in them is masked
  std::string verdict;
  std::string salt;
  auto operator<=>(const Try&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Try& one) {
  for (const auto& challenge : one.challenges) out << challenge << " | ";
  return out << one.verdict;
}

auth::Channel bound() {
  auto channel = Site::tls();
  channel.binding_type = "tls-exporter";
  channel.binding = "octets";
  return channel;
}

class StandIn : public ::testing::Test {
 protected:
  StandIn() { site.add_user("alice", "secret"); }

  /// RFC 5802 s5, with a proof of the right form.
  Try scram(const std::string& mechanism, std::size_t octets, const std::string& user) {
    const bool plus = mechanism.ends_with("-PLUS");
    const std::string header = plus ? "p=tls-exporter,," : "n,,";
    const auto exchange = site.begin(bound());
    auto outcome = exchange->start(mechanism, base::Secret{header + "n=" + user + ",r=abcdefgh"});
    Try seen;
    if (outcome.challenge) {
      const auto& first = *outcome.challenge;
      const auto salt = first.find(",s=");
      const auto count = first.find(",i=");
      if (salt == std::string::npos || count == std::string::npos) {
        ADD_FAILURE() << first;
        return seen;
      }
      seen.salt = first.substr(salt + 3, count - salt - 3);
      seen.challenges.push_back(std::to_string(salt) + " octets, salt of " + std::to_string(seen.salt.size()) + ", " +
                                first.substr(count));
      const auto binding = auth::base64_encode(header + (plus ? "octets" : ""));
      outcome = exchange->step(base::Secret{"c=" + binding + "," + first.substr(0, salt) +
                                            ",p=" + auth::base64_encode(std::string(octets, 'x'))});
      if (outcome.challenge) seen.challenges.push_back("a second one");
    }
    seen.verdict = verdict(outcome);
    return seen;
  }

  /// One whose client computes with the challenge.
  Try by_client(const std::string& mechanism, const std::string& user) {
    SaslClient client{user, "", "wrong"};
    Try seen;
    seen.verdict = verdict(client.log_in(*site.begin(Site::tls()), mechanism));
    return seen;
  }

  std::string scram_with(const std::string& user, const std::string& password) {
    SaslClient client{user, "", password};
    return verdict(client.log_in(*site.begin(Site::tls()), "SCRAM-SHA-256"));
  }

  Site site{Site::with_sasldb({"allowapop: yes",
                               "sasl_mech_list: PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256 "
                               "SCRAM-SHA-512 CRAM-MD5 DIGEST-MD5 NTLM"})};
};

TEST_F(StandIn, ScramTakesAnUnknownUserAsFarAsAWrongPassword) {
  for (const auto& [mechanism, octets] : kScrams) {
    auto known = scram(mechanism, octets, "alice");
    auto unknown = scram(mechanism, octets, "nobody");
    EXPECT_EQ(known.verdict, "credentials") << mechanism;
    EXPECT_EQ(known.challenges.size(), 1U) << mechanism;
    EXPECT_NE(known.salt, unknown.salt) << mechanism;
    EXPECT_EQ(scram(mechanism, octets, "alice").salt, known.salt) << mechanism;
    EXPECT_EQ(scram(mechanism, octets, "nobody").salt, unknown.salt) << mechanism << ": another salt at each try";
    EXPECT_NE(scram(mechanism, octets, "nobody2").salt, unknown.salt) << mechanism << ": one salt for all";
    known.salt.clear();
    unknown.salt.clear();
    EXPECT_EQ(known, unknown) << mechanism;
  }
}

TEST_F(StandIn, AnUnknownUserIsAsMuchWork) {
  const auto work = [this](const std::string& user) {
    timespec begin{};
    timespec end{};
    scram("SCRAM-SHA-512", 64, user);  // what is done once
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    for (int i = 0; i < 10; ++i) scram("SCRAM-SHA-512", 64, user);
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    return static_cast<double>(end.tv_sec - begin.tv_sec) + static_cast<double>(end.tv_nsec - begin.tv_nsec) * 1e-9;
  };
  const double known = work("alice");
  const double unknown = work("nobody");
  EXPECT_GT(unknown, known / 2);
  EXPECT_LT(unknown, known * 2);
}

TEST_F(StandIn, OtherMechanismsShowNoDifferenceEither) {
  for (const char* mechanism : {"CRAM-MD5", "DIGEST-MD5", "NTLM"}) {
    const auto known = by_client(mechanism, "alice");
    EXPECT_EQ(known.verdict, "credentials") << mechanism;
    EXPECT_EQ(by_client(mechanism, "nobody"), known) << mechanism;
  }
  for (const char* user : {"alice", "nobody"}) {
    EXPECT_EQ(verdict(site.begin(Site::tls())->check_apop("<1.2@test.example>", user, kDigest)), "credentials") << user;
  }
}

TEST_F(StandIn, TheLogKnowsWhichItWas) {
  const auto reason_of = [this](const std::string& user) {
    SaslClient client{user, "", "wrong"};
    const auto outcome = client.log_in(*site.begin(Site::tls()), "SCRAM-SHA-256");
    return outcome.refusal ? outcome.refusal->user + ": " + outcome.refusal->reason : verdict(outcome);
  };
  EXPECT_EQ(reason_of("alice"), "alice: authentication failure");
  EXPECT_EQ(reason_of("nobody"), "nobody: user not found");
}

TEST_F(StandIn, KnownUsersLogInAsBefore) {
  EXPECT_EQ(scram_with("alice", "secret"), "alice");
  EXPECT_EQ(verdict(site.plain("", "alice", "secret")), "alice");
  EXPECT_EQ(verdict(site.check("alice", "secret")), "alice");
}

TEST_F(StandIn, WhoKnowsItsPasswordLogsInByNoMeans) {
  site.authenticator();
  // A second plug-in of the name, which libsasl2 asks first.
  ASSERT_TRUE(auth::add_stand_in("guessed"));
  for (const auto& [mechanism, octets] : kScrams) {
    if (mechanism.ends_with("-PLUS")) continue;
    SaslClient client{"nobody", "", "guessed"};
    const auto outcome = client.log_in(*site.begin(Site::tls()), mechanism);
    EXPECT_EQ(verdict(outcome), "credentials") << mechanism;
    EXPECT_EQ(outcome.refusal->reason, "user not found") << mechanism;
  }
  for (const char* mechanism : {"CRAM-MD5", "DIGEST-MD5", "NTLM", "PLAIN", "LOGIN"}) {
    SaslClient client{"nobody", "", "guessed"};
    EXPECT_EQ(verdict(client.log_in(*site.begin(Site::tls()), mechanism)), "credentials") << mechanism;
  }
  EXPECT_EQ(verdict(site.check("nobody", "guessed")), "credentials");
  // MD5 of "<1.2@test.example>guessed".
  EXPECT_EQ(
      verdict(site.begin(Site::tls())->check_apop("<1.2@test.example>", "nobody", "a53d3f0f8cac166fad5d1f1e5640bc1f")),
      "credentials");
  EXPECT_EQ(scram_with("alice", "guessed"), "credentials");
  EXPECT_EQ(scram_with("alice", "secret"), "alice");
}

TEST_F(StandIn, NobodyElseTakesItForAUser) {
  const auto known = site.begin(Site::tls())->knows("nobody");
  ASSERT_TRUE(known);
  EXPECT_FALSE(*known);
}

TEST(StandInAmongPlugins, IsAskedBehindThoseThatNobodyNamed) {
  Site site{{"sasl_pwcheck_method: auxprop", "sasl_sasldb_path: PATH/sasldb2"}};
  site.add_user("alice", "secret");
  for (const char* user : {"alice", "nobody"}) {
    const auto first =
        site.begin(Site::tls())->start("SCRAM-SHA-256", base::Secret{std::string{"n,,n="} + user + ",r=abcdefgh"});
    EXPECT_EQ(verdict(first), "challenge") << user;
  }
  SaslClient client{"alice", "", "secret"};
  EXPECT_EQ(verdict(client.log_in(*site.begin(Site::tls()), "SCRAM-SHA-256")), "alice");
}

TEST(StandInAmongPlugins, DoesNotHideThatNoneCanBeAsked) {
  Site site{{"sasl_pwcheck_method: auxprop", "sasl_auxprop_plugin: nonesuch"}};
  const auto first = site.begin(Site::tls())->start("SCRAM-SHA-256", base::Secret{"n,,n=alice,r=abcdefgh"});
  EXPECT_EQ(verdict(first), "temporary");
}

TEST(StandInAmongPlugins, DoesNotHideThatTheDatabaseIsDamaged) {
  Site site{Site::with_sasldb()};
  std::ofstream{site.path("sasldb2")} << "this is no database of any kind, and nobody is known in it";
  for (const char* mechanism : {"SCRAM-SHA-256", "CRAM-MD5", "DIGEST-MD5"}) {
    SaslClient client{"alice", "", "secret"};
    EXPECT_EQ(verdict(client.log_in(*site.begin(Site::tls()), mechanism)), "temporary") << mechanism;
  }
}

}  // namespace

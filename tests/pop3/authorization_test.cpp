#include "pop3/authorization.hpp"

#include "conversation.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace pop3 {
namespace {

constexpr std::string_view kValid = "+OK Name is a valid mailbox\r\n";
constexpr std::string_view kInvalid = "-ERR [AUTH] Invalid user\r\n";
constexpr std::string_view kGivePass = "-ERR [AUTH] Must give PASS command\r\n";
constexpr std::string_view kGiveUser = "-ERR [AUTH] Must give USER command\r\n";
constexpr std::string_view kUnknown = "-ERR Unrecognized command\r\n";
constexpr std::string_view kUserNeedsLayer = "-ERR [AUTH] USER command only available under a layer\r\n";

struct AuthorizationState : ::testing::Test {
  Authorization authorization;
  LoginRules rules;

  AuthorizationState() { rules.allow_plaintext = true; }

  std::string say(std::string_view line) { return pop3::say(line, authorization, rules); }

  /// What USER says to a name that nobody is waiting for.
  std::string user(std::string_view name) {
    authorization.reset();
    return say("USER " + std::string(name));
  }
};

TEST_F(AuthorizationState, UserAndPassGoTogether) {  // RFC 1939 s7, USER and PASS
  EXPECT_EQ(say("USER ann"), kValid);
  EXPECT_EQ(authorization.pending_user(), "ann");
  EXPECT_EQ(say("PASS  secret"), "<check ann: secret>");
}

TEST_F(AuthorizationState, PassNeedsAUser) { EXPECT_EQ(say("PASS secret"), kGiveUser); }

TEST_F(AuthorizationState, SecondUserIsRefusedWhileOneWaits) {
  say("USER ann");
  EXPECT_EQ(say("USER bob"), kGivePass);
  EXPECT_EQ(say("PASS x"), "<check ann:x>");
}

TEST_F(AuthorizationState, FailedPassForgetsTheUser) {
  say("USER ann");
  say("PASS wrong");
  EXPECT_EQ(authorization.pending_user(), std::nullopt);
  EXPECT_EQ(say("PASS again"), kGiveUser);
  EXPECT_EQ(say("USER bob"), kValid);
}

TEST_F(AuthorizationState, RefusedAnonymousUserDoesNotWedgeTheConnection) {
  say("USER anonymous");
  EXPECT_EQ(say("PASS ann@example.test"), "<check anonymous:ann@example.test>");
  // Whatever the session answers to that, the state is open again.
  EXPECT_EQ(say("USER ann"), kValid);
}

TEST_F(AuthorizationState, RefusedUserLeavesNoneWaiting) {
  say("USER a*b");
  EXPECT_EQ(authorization.pending_user(), std::nullopt);
  EXPECT_EQ(say("PASS x"), kGiveUser);
}

TEST_F(AuthorizationState, ResetForgetsTheUser) {
  say("USER ann");
  authorization.reset();
  EXPECT_EQ(say("PASS x"), kGiveUser);
}

TEST_F(AuthorizationState, BadCharactersMakeANameInvalid) {
  for (const char bad : std::string_view("%&*/:?\x01\x1f\x7f\x80\xff\t")) {
    EXPECT_EQ(user(std::string("a") + bad + "b"), kInvalid) << static_cast<int>(bad);
    EXPECT_EQ(user(std::string("a") + bad), kInvalid) << static_cast<int>(bad);
  }
  for (const char good : std::string_view(" !\"#$'()+,-.;<=>@[\\]^_`{|}~")) {
    EXPECT_EQ(user(std::string("a") + good + "b"), kValid) << good;
  }
  EXPECT_EQ(user("j\xC3\xB6rg"), kInvalid);
}

TEST_F(AuthorizationState, NamesAreAtMost80Octets) {
  EXPECT_EQ(user(std::string(80, 'a')), kValid);
  EXPECT_EQ(user(std::string(81, 'a')), kInvalid);
}

TEST_F(AuthorizationState, TrailingBlanksAreNoPartOfTheName) {
  EXPECT_EQ(user("ann  "), kValid);
  EXPECT_EQ(authorization.pending_user(), "ann");
}

TEST_F(AuthorizationState, EmptyNameIsInvalid) {
  const AuthorizationStep step = authorization.step(User{"  "}, rules);
  ASSERT_TRUE(std::holds_alternative<RefuseName>(step));
  EXPECT_EQ(std::get<RefuseName>(step).reply.text, kInvalid);
}

TEST_F(AuthorizationState, ARefusedNameIsHandedOnForTheLog) {
  const AuthorizationStep step = authorization.step(User{"a%b"}, rules);
  ASSERT_TRUE(std::holds_alternative<RefuseName>(step));
  EXPECT_EQ(std::get<RefuseName>(step).typed, "a%b");
}

TEST_F(AuthorizationState, DotIsInvalidWhenItSeparatesTheHierarchy) {
  EXPECT_EQ(user("a.b"), kValid);
  rules.hierarchy_dot = true;
  EXPECT_EQ(user("a.b"), kInvalid);
  EXPECT_EQ(user("a@b.c"), kInvalid);
  rules.virtual_domains = true;
  EXPECT_EQ(user("a@b.c"), kValid);
  EXPECT_EQ(user("a.b@c"), kInvalid);
  EXPECT_EQ(user("a.b@c.d"), kInvalid);
  EXPECT_EQ(user("a.b"), kInvalid);
}

TEST_F(AuthorizationState, PercentStandsForAtWithVirtualDomains) {
  EXPECT_EQ(user("ann%example.test"), kInvalid);
  rules.virtual_domains = true;
  EXPECT_EQ(user("ann%example.test"), kValid);
  EXPECT_EQ(user("ann%b%example.test"), kInvalid);
  EXPECT_EQ(user("ann%b@example.test"), kInvalid);
  rules.hierarchy_dot = true;
  EXPECT_EQ(user("ann%example.test"), kValid);
}

TEST_F(AuthorizationState, SubfolderIsNotHeldAgainstTheName) {
  rules.hierarchy_dot = true;
  EXPECT_EQ(user("ann+sub.deep"), kInvalid);
  rules.subfolders = true;
  EXPECT_EQ(user("ann+sub.deep"), kValid);
  EXPECT_EQ(authorization.pending_user(), "ann+sub.deep");
  EXPECT_EQ(user("ann+sub/deep"), kValid);
  EXPECT_EQ(user("ann+" + std::string(200, 's')), kValid);
  EXPECT_EQ(user(std::string(81, 'a') + "+s"), kInvalid);
  EXPECT_EQ(user("+sub"), kInvalid);
  EXPECT_EQ(user("ann+s\x01"), kInvalid);
  EXPECT_EQ(user("ann+" + std::string(1019, 's')), kValid);
  EXPECT_EQ(user("ann+" + std::string(1020, 's')), kInvalid);
  rules.virtual_domains = true;
  EXPECT_EQ(user("ann+sub.deep@example.test"), kValid);
  EXPECT_EQ(user("ann+sub@exa*mple.test"), kInvalid);
}

TEST_F(AuthorizationState, UserIsRefusedWithoutALayerBeforeThePasswordIsSent) {
  rules.allow_plaintext = false;
  EXPECT_EQ(say("USER ann"), kUserNeedsLayer);
  EXPECT_EQ(say("PASS x"), kGiveUser);
  rules.external_ssf = 1;
  EXPECT_EQ(say("USER ann"), kUserNeedsLayer);
}

TEST_F(AuthorizationState, TlsOrAnExternalLayerAllowsUser) {
  rules.allow_plaintext = false;
  rules.external_ssf = 2;
  EXPECT_EQ(user("ann"), kValid);
  rules.external_ssf = 0;
  rules.tls_active = true;
  EXPECT_EQ(user("ann"), kValid);
}

TEST_F(AuthorizationState, RequiredTlsIsMetByTheHandshakeOnly) {
  rules.tls_required = true;
  rules.external_ssf = 256;
  EXPECT_EQ(say("USER ann"), kUserNeedsLayer);
  EXPECT_EQ(say("AUTH"), "-ERR [AUTH] AUTH command only available under a layer\r\n");
  EXPECT_EQ(say("AUTH PLAIN AGEAYg=="), "-ERR [AUTH] AUTH command only available under a layer\r\n");
  rules.tls_active = true;
  EXPECT_EQ(say("AUTH"), "<mechanisms>");
  EXPECT_EQ(say("USER ann"), kValid);
}

TEST_F(AuthorizationState, MissingLayerIsToldBeforeAWaitingUser) {
  say("USER ann");
  rules.allow_plaintext = false;
  EXPECT_EQ(say("USER bob"), kUserNeedsLayer);
}

TEST_F(AuthorizationState, ApopIsNoCommandWithoutAChallengeInTheGreeting) {  // RFC 1939 s7, APOP is optional
  for (const auto* line : {"APOP", "APOP mrose", "APOP mrose c4c9334bac560ecc979e58001b3e22fb"}) {
    EXPECT_EQ(say(line), kUnknown) << line;
  }
  say("USER ann");
  EXPECT_EQ(say("APOP mrose 0"), kUnknown);
  EXPECT_EQ(authorization.pending_user(), "ann");
}

TEST_F(AuthorizationState, ApopChecksADigest) {  // RFC 1939 s7
  rules.apop_offered = true;
  EXPECT_EQ(say("APOP mrose c4c9334bac560ecc979e58001b3e22fb"), "<apop mrose c4c9334bac560ecc979e58001b3e22fb>");
  EXPECT_EQ(say("APOP two words 00"), "<apop two words 00>");
  EXPECT_EQ(say("APOP mrose"), "<apop mrose >");
  EXPECT_EQ(say("APOP"), "-ERR Missing argument\r\n");
  EXPECT_EQ(say("APOP ../x 00"), "-ERR [AUTH] Invalid user\r\n");
  rules.tls_required = true;
  EXPECT_EQ(say("APOP mrose 00"), "-ERR [AUTH] APOP command only available under a layer\r\n");
  rules.tls_active = true;
  say("USER ann");
  EXPECT_EQ(say("APOP mrose 00"), "-ERR [AUTH] Must give PASS command\r\n");
  EXPECT_EQ(authorization.pending_user(), "ann");
}

TEST_F(AuthorizationState, AuthStartsAnExchange) {  // RFC 5034 s4
  EXPECT_EQ(say("AUTH"), "<mechanisms>");
  EXPECT_EQ(say("AUTH "), "<mechanisms>");
  EXPECT_EQ(say("AUTH plain"), "<sasl plain>");
  EXPECT_EQ(say("AUTH PLAIN AGEAYg=="), "<sasl PLAIN 'AGEAYg=='>");
  EXPECT_EQ(say("AUTH EXTERNAL ="), "<sasl EXTERNAL '='>");
}

TEST_F(AuthorizationState, AuthDoesNotAskForAPlaintextLayer) {
  rules.allow_plaintext = false;  // the mechanism's own rules decide
  EXPECT_EQ(say("AUTH CRAM-MD5"), "<sasl CRAM-MD5>");
}

TEST_F(AuthorizationState, StlsStartsTlsWhereItIsOffered) {  // RFC 2595 s4
  EXPECT_EQ(say("STLS"), kUnknown);
  rules.stls_offered = true;
  EXPECT_EQ(say("STLS"), "<tls>");
  rules.tls_active = true;
  EXPECT_EQ(say("STLS"), "-ERR Already successfully executed STLS\r\n");
}

TEST_F(AuthorizationState, StlsForgetsTheUserGivenInClear) {  // RFC 2595 s4
  rules.stls_offered = true;
  say("USER ann");
  EXPECT_EQ(say("STLS"), "<tls>");
  EXPECT_EQ(authorization.pending_user(), std::nullopt);
}

TEST_F(AuthorizationState, RefusedStlsKeepsTheUser) {
  say("USER ann");
  EXPECT_EQ(say("STLS"), kUnknown);
  EXPECT_EQ(say("PASS x"), "<check ann:x>");
}

TEST_F(AuthorizationState, TransactionCommandsAreUnrecognized) {
  for (const auto* line : {"STAT", "LIST", "UIDL", "RETR 1", "DELE 1", "NOOP", "RSET", "TOP 1 0"}) {
    EXPECT_EQ(say(line), kUnknown) << line;
  }
  const AuthorizationStep step = authorization.step(Stat{}, rules);
  EXPECT_EQ(std::get<Line>(step).text, kUnknown);
}

TEST(AuthorizationReplies, CarryTheirResponseCode) {  // RFC 3206 s4 SYS/TEMP, s5 AUTH
  EXPECT_EQ(login_failed().text, "-ERR [AUTH] Invalid login\r\n");
  EXPECT_EQ(sasl_failed("authenticating: authentication failure").text,
            "-ERR [AUTH] authenticating: authentication failure\r\n");
  EXPECT_EQ(login_unavailable().text, "-ERR [SYS/TEMP] authentication service unavailable: wait and try again\r\n");
}

RC_GTEST_PROP(AuthorizationProperty, ValidNamesAreShortAndPrintable, (const std::string& name)) {
  Authorization authorization;
  LoginRules rules;
  rules.allow_plaintext = true;
  authorization.step(User{name}, rules);
  if (!authorization.pending_user()) return;
  const std::string& kept = *authorization.pending_user();
  RC_ASSERT(!kept.empty());
  RC_ASSERT(kept.size() <= kMaxUserOctets);
  for (const char c : kept) RC_ASSERT(c >= 0x20 && c < 0x7f);
}

}  // namespace
}  // namespace pop3

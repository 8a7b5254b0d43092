#include "pop3/capabilities.hpp"

#include <gtest/gtest.h>

namespace pop3 {
namespace {

CapabilityFacts facts() {
  CapabilityFacts all;
  all.rules.stls_offered = true;
  all.rules.allow_plaintext = true;
  all.mechanisms = "PLAIN LOGIN SCRAM-SHA-256";
  all.version = "3.6.1";
  return all;
}

bool lists(const CapabilityFacts& given, std::string_view line) {
  const std::string whole = "\r\n" + std::string(line) + "\r\n";
  return capabilities(given).text.find(whole) != std::string::npos;
}

TEST(Capabilities, StandInTheOrderOfTheOriginal) {  // RFC 2449 s5
  EXPECT_EQ(capabilities(facts()).text,
            "+OK List of capabilities follows\r\n"
            "SASL PLAIN LOGIN SCRAM-SHA-256\r\n"
            "STLS\r\n"
            "EXPIRE NEVER\r\n"
            "LOGIN-DELAY 0\r\n"
            "TOP\r\n"
            "UIDL\r\n"
            "PIPELINING\r\n"
            "RESP-CODES\r\n"
            "AUTH-RESP-CODE\r\n"
            "USER\r\n"
            "IMPLEMENTATION Cyrus POP3 3.6.1\r\n"
            ".\r\n");
}

TEST(Capabilities, AfterLoginInClearOnlyMailCapabilitiesAreLeft) {
  CapabilityFacts given = facts();
  given.state = State::transaction;
  EXPECT_EQ(capabilities(given).text,
            "+OK List of capabilities follows\r\nEXPIRE NEVER\r\nLOGIN-DELAY 0\r\nTOP\r\nUIDL\r\nPIPELINING\r\n"
            "RESP-CODES\r\nAUTH-RESP-CODE\r\nIMPLEMENTATION Cyrus POP3 3.6.1\r\n.\r\n");
}

TEST(Capabilities, SaslIsListedAgainAfterLoginOverTls) {
  CapabilityFacts given = facts();
  given.state = State::transaction;
  given.rules.tls_active = true;
  EXPECT_TRUE(lists(given, "SASL PLAIN LOGIN SCRAM-SHA-256"));
  EXPECT_FALSE(lists(given, "STLS"));
  EXPECT_FALSE(lists(given, "USER"));
}

TEST(Capabilities, SaslIsListedAgainUnderALayer) {  // RFC 5034 s4
  CapabilityFacts given = facts();
  given.state = State::transaction;
  given.sasl_layer = true;
  EXPECT_TRUE(lists(given, "SASL PLAIN LOGIN SCRAM-SHA-256"));
}

TEST(Capabilities, SaslNeedsAMechanism) {  // RFC 2449 s6.3
  CapabilityFacts given = facts();
  given.mechanisms = " ";
  EXPECT_EQ(capabilities(given).text.find("SASL"), std::string::npos);
}

TEST(Capabilities, RequiredTlsHidesSaslAndUserUntilTheHandshake) {
  CapabilityFacts given = facts();
  given.rules.tls_required = true;
  given.rules.external_ssf = 256;
  EXPECT_EQ(capabilities(given).text.find("SASL"), std::string::npos);
  EXPECT_FALSE(lists(given, "USER"));
  EXPECT_TRUE(lists(given, "STLS"));
  given.rules.tls_active = true;
  EXPECT_TRUE(lists(given, "SASL PLAIN LOGIN SCRAM-SHA-256"));
  EXPECT_TRUE(lists(given, "USER"));
  EXPECT_FALSE(lists(given, "STLS"));
}

TEST(Capabilities, StlsIsListedWhereItIsOffered) {  // RFC 2595 s4
  CapabilityFacts given = facts();
  given.rules.stls_offered = false;
  EXPECT_FALSE(lists(given, "STLS"));
}

TEST(Capabilities, UserNeedsALayerOrAllowplaintext) {  // RFC 2449 s6.2
  CapabilityFacts given = facts();
  given.rules.allow_plaintext = false;
  EXPECT_FALSE(lists(given, "USER"));
  given.rules.external_ssf = 1;
  EXPECT_FALSE(lists(given, "USER"));
  given.rules.external_ssf = 2;
  EXPECT_TRUE(lists(given, "USER"));
  EXPECT_TRUE(lists(given, "STLS"));
}

TEST(Capabilities, ExpireIsInDaysAndLoginDelayInSeconds) {  // RFC 2449 s6.5, s6.7
  CapabilityFacts given = facts();
  given.expire_days = 90;
  given.login_delay_seconds = 600;
  EXPECT_TRUE(lists(given, "EXPIRE 90"));
  EXPECT_TRUE(lists(given, "LOGIN-DELAY 600"));
  given.expire_days = 0;
  EXPECT_TRUE(lists(given, "EXPIRE 0"));
}

TEST(Capabilities, ImplementationIsHiddenBeforeLoginUnlessServerinfoIsOn) {  // RFC 2449 s6.9
  CapabilityFacts given = facts();
  for (const ServerInfo info : {ServerInfo::min, ServerInfo::off}) {
    given.state = State::authorization;
    given.server_info = info;
    EXPECT_FALSE(lists(given, "IMPLEMENTATION Cyrus POP3 3.6.1"));
    given.state = State::transaction;
    EXPECT_TRUE(lists(given, "IMPLEMENTATION Cyrus POP3 3.6.1"));
  }
}

TEST(Greeting, SaysWhatServerinfoAllows) {  // RFC 1939 s4
  EXPECT_EQ(greeting(ServerInfo::on, "mail.example.test", "3.6.1", "").text,
            "+OK mail.example.test Cyrus POP3 3.6.1 server ready \r\n");
  EXPECT_EQ(greeting(ServerInfo::min, "mail.example.test", "3.6.1", "").text,
            "+OK mail.example.test server ready \r\n");
  EXPECT_EQ(greeting(ServerInfo::off, "mail.example.test", "3.6.1", "").text, "+OK server ready \r\n");
}

TEST(Greeting, EndsWithTheChallenge) {  // RFC 1939 s7, APOP
  EXPECT_EQ(greeting(ServerInfo::off, "m", "v", "<1896.697170952@m>").text, "+OK server ready <1896.697170952@m>\r\n");
}

TEST(Greeting, NamesTooLongForAReplyAreLeftOutAndTheChallengeStays) {  // RFC 2449 s4
  const std::string name(240, 'm');
  const std::string challenge = "<1." + std::string(250, '9') + "@m>";
  const std::string whole = greeting(ServerInfo::on, name, "3.6.1", "").text;
  EXPECT_EQ(whole, "+OK " + name + " Cyrus POP3 3.6.1 server ready \r\n");
  EXPECT_EQ(greeting(ServerInfo::on, name, "3.6.1", challenge).text, "+OK server ready " + challenge + "\r\n");
  EXPECT_EQ(greeting(ServerInfo::min, std::string(600, 'm'), "3.6.1", "").text, "+OK server ready \r\n");
}

TEST(Greeting, OddNamesStayOnTheLine) {
  EXPECT_EQ(greeting(ServerInfo::min, "m\r\n+OK", "v", "").text, "+OK m  +OK server ready \r\n");
}

TEST(MechanismList, HasALinePerMechanism) {  // RFC 5034 s4
  EXPECT_EQ(mechanism_list("PLAIN LOGIN").text, "+OK List of supported mechanisms follows\r\nPLAIN\r\nLOGIN\r\n.\r\n");
  EXPECT_EQ(mechanism_list(" PLAIN  ").text, "+OK List of supported mechanisms follows\r\nPLAIN\r\n.\r\n");
  EXPECT_EQ(mechanism_list("").text, "+OK List of supported mechanisms follows\r\n.\r\n");
}

}  // namespace
}  // namespace pop3

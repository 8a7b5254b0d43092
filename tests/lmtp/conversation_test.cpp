#include "lmtp/conversation.hpp"

#include "lmtp/parse_command.hpp"

#include <gtest/gtest.h>

namespace lmtp {
namespace {

class ConversationTest : public ::testing::Test {
 protected:
  ConversationTest() {
    rules_.server_name = "mail.example";
    rules_.session_id = "s1";
    rules_.trusted = true;
  }

  Step step(std::string_view line) {
    auto command = parse_command(line);
    if (!command) return command.error();
    return conversation_.step(std::move(*command), rules_);
  }

  /// The text of the answer; the name of what the session has to do when there is none yet.
  std::string say(std::string_view line) {
    const Step next = step(line);
    if (const auto* answer = std::get_if<Reply>(&next)) return answer->text;
    if (const auto* last = std::get_if<Finish>(&next)) return "finish " + last->reply.text;
    if (std::holds_alternative<CheckRecipient>(next)) return "check";
    if (std::holds_alternative<ReceiveMessage>(next)) return "receive";
    return std::holds_alternative<BeginTls>(next) ? "tls" : "sasl";
  }

  void begin_with_recipient() {
    EXPECT_EQ(say("MAIL FROM:<a@b>"), "250 2.1.0 ok\r\n");
    EXPECT_EQ(say("RCPT TO:<alice>"), "check");
    EXPECT_EQ(conversation_.accept_recipient().text, "250 2.1.5 ok\r\n");
  }

  Rules rules_;
  Conversation conversation_;
};

TEST_F(ConversationTest, LhloTellsTheExtensions) {  // RFC 2033 s4.1, s4.3, s4.4; RFC 5321 s4.1.1.1
  EXPECT_EQ(say("LHLO mx.example"),
            "250-mail.example\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n250-SIZE\r\n"
            "250-SMTPUTF8\r\n250-IGNOREQUOTA\r\n250 Ok SESSIONID=<s1>\r\n");
  EXPECT_EQ(conversation_.client_name(), "mx.example");
  rules_.max_octets = 1000;
  EXPECT_NE(say("LHLO mx.example").find("250-SIZE 1000\r\n"), std::string::npos);
}

TEST_F(ConversationTest, LhloOffersTlsAndAuthToStrangers) {  // RFC 3207 s4, RFC 4954 s3
  rules_.trusted = false;
  rules_.starttls_offered = true;
  rules_.mechanisms = "PLAIN LOGIN";
  EXPECT_NE(say("LHLO x").find("250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n"), std::string::npos);
  rules_.tls_active = true;
  EXPECT_EQ(say("LHLO x").find("STARTTLS"), std::string::npos);
  rules_.authenticated = true;
  EXPECT_EQ(say("LHLO x").find("AUTH"), std::string::npos);
}

TEST_F(ConversationTest, LhloEndsTheTransactionUnderWay) {  // RFC 5321 s4.1.4
  begin_with_recipient();
  say("LHLO again");
  EXPECT_EQ(say("DATA"), "503 5.5.1 No recipients\r\n");
}

TEST_F(ConversationTest, CommandsComeInTheirOrder) {  // RFC 5321 s4.1.4
  EXPECT_EQ(say("RCPT TO:<alice>"), "503 5.5.1 Need MAIL command\r\n");
  EXPECT_EQ(say("DATA"), "503 5.5.1 No recipients\r\n");
  EXPECT_EQ(say("MAIL FROM:<a@b>"), "250 2.1.0 ok\r\n");
  EXPECT_EQ(say("MAIL FROM:<a@b>"), "503 5.5.1 Nested MAIL command\r\n");
  EXPECT_EQ(say("DATA"), "503 5.5.1 No recipients\r\n");  // RFC 2033 s4.2
  EXPECT_EQ(say("RCPT TO:<alice>"), "check");
  EXPECT_EQ(say("DATA"), "503 5.5.1 No recipients\r\n");  // it was not accepted
  EXPECT_EQ(say("RCPT TO:<bob>"), "check");
  conversation_.accept_recipient();
  EXPECT_EQ(say("DATA"), "receive");
  conversation_.end_transaction();
  EXPECT_EQ(say("DATA"), "503 5.5.1 No recipients\r\n");
}

TEST_F(ConversationTest, RsetForgetsTheTransaction) {  // RFC 5321 s4.1.1.5
  begin_with_recipient();
  EXPECT_EQ(say("RSET"), "250 2.0.0 Ok SESSIONID=<s1>\r\n");
  EXPECT_FALSE(conversation_.envelope());
  begin_with_recipient();
}

TEST_F(ConversationTest, ARefusedMailBeginsNothing) {
  EXPECT_TRUE(say("MAIL FROM:<a@b> BODY=BINARYMIME").starts_with("501 "));
  EXPECT_EQ(say("MAIL FROM:<a@b>"), "250 2.1.0 ok\r\n");
}

TEST_F(ConversationTest, TooMuchIsRefusedAtMail) {  // RFC 1870 s6.1
  rules_.max_octets = 100;
  EXPECT_EQ(say("MAIL FROM:<a@b> SIZE=101"), "552 5.3.4 Message SIZE exceeds fixed maximum message size (100)\r\n");
  EXPECT_EQ(say("MAIL FROM:<a@b> SIZE=100"), "250 2.1.0 ok\r\n");
}

TEST_F(ConversationTest, EightBitAddressesNeedSmtputf8) {  // RFC 6531 s3.2
  EXPECT_EQ(say("MAIL FROM:<j\xC3\xB6rg@x>"), "553 5.6.7 Address needs SMTPUTF8\r\n");
  EXPECT_EQ(say("MAIL FROM:<a@x>"), "250 2.1.0 ok\r\n");
  EXPECT_EQ(say("RCPT TO:<j\xC3\xB6rg@x>"), "553 5.6.7 Address needs SMTPUTF8\r\n");
  say("RSET");
  EXPECT_EQ(say("MAIL FROM:<j\xC3\xB6rg@x> SMTPUTF8"), "250 2.1.0 ok\r\n");
  EXPECT_EQ(say("RCPT TO:<j\xC3\xB6rg@x>"), "check");
}

TEST_F(ConversationTest, StrangersMustLogInFirst) {  // RFC 4954 s6
  rules_.trusted = false;
  EXPECT_EQ(say("MAIL FROM:<a@b>"), "430 4.7.0 Authentication required\r\n");
  rules_.soft_noauth = false;
  EXPECT_EQ(say("MAIL FROM:<a@b>"), "530 5.7.0 Authentication required\r\n");
  EXPECT_EQ(say("RCPT TO:<alice>"), "503 5.5.1 Need MAIL command\r\n");
  EXPECT_EQ(say("AUTH PLAIN"), "sasl");
  rules_.authenticated = true;
  EXPECT_EQ(say("AUTH PLAIN"), "503 5.5.0 already authenticated\r\n");
  EXPECT_EQ(say("MAIL FROM:<a@b>"), "250 2.1.0 ok\r\n");
}

TEST_F(ConversationTest, AuthAndStarttlsAreNotForTransactions) {  // RFC 4954 s4, RFC 3207 s4
  rules_.trusted = false;
  rules_.starttls_offered = true;
  rules_.authenticated = true;
  begin_with_recipient();
  EXPECT_EQ(say("STARTTLS"), "503 5.5.0 STARTTLS not permitted now\r\n");
  rules_.authenticated = false;
  EXPECT_EQ(say("AUTH PLAIN"), "503 5.5.0 AUTH not permitted now\r\n");
}

TEST_F(ConversationTest, TlsMayBeRequired) {
  rules_.trusted = false;
  rules_.tls_required = true;
  rules_.starttls_offered = true;
  EXPECT_EQ(say("AUTH PLAIN"), "530 5.7.0 Must issue a STARTTLS command first\r\n");
  EXPECT_EQ(say("MAIL FROM:<a@b>"), "530 5.7.0 Must issue a STARTTLS command first\r\n");
  EXPECT_EQ(say("STARTTLS"), "tls");
  rules_.tls_active = true;
  EXPECT_EQ(say("STARTTLS"), "454 4.3.3 Already successfully executed STARTTLS\r\n");
  EXPECT_EQ(say("AUTH PLAIN"), "sasl");
}

TEST_F(ConversationTest, WhatIsNotOfferedIsRefused) {
  EXPECT_EQ(say("STARTTLS"), "502 5.5.1 STARTTLS is not offered\r\n");
  EXPECT_EQ(say("AUTH PLAIN"), "503 5.5.0 already authenticated\r\n");
  EXPECT_EQ(say("BDAT 10"), "finish 502 5.5.1 BDAT is not offered, closing\r\n");
  EXPECT_EQ(say("VRFY alice"), "252 2.3.3 try RCPT to attempt delivery\r\n");
  EXPECT_EQ(say("QUIT"), "finish 221 2.0.0 bye\r\n");
}

TEST_F(ConversationTest, ResetForgetsTheNameToo) {  // RFC 3207 s4.2
  say("LHLO me");
  begin_with_recipient();
  conversation_.reset();
  EXPECT_EQ(conversation_.client_name(), "");
  EXPECT_FALSE(conversation_.envelope());
}

TEST_F(ConversationTest, RecipientsAreCounted) {  // RFC 5321 s4.5.3.1.8, s4.5.3.1.10
  say("MAIL FROM:<a@b>");
  for (std::size_t i = 0; i < kMaxRecipients; ++i) {
    ASSERT_EQ(say("RCPT TO:<alice>"), "check");
    conversation_.accept_recipient();
  }
  EXPECT_EQ(say("RCPT TO:<alice>"), "452 4.5.3 Too many recipients\r\n");
}

TEST(LmtpReplies, EveryRefusalIsOneReplyWithItsStatus) {  // RFC 2034 s4
  for (const Refused why :
       {Refused::unknown_user, Refused::no_permission, Refused::over_quota, Refused::over_quota_always,
        Refused::no_space, Refused::io, Refused::busy, Refused::bad_mailbox, Refused::not_now, Refused::too_big,
        Refused::has_nul, Refused::bad_header, Refused::eight_bit_header}) {
    const std::string text = refusal(why, "s1").text;
    const std::size_t last = text.rfind('\n', text.size() - 2) + 1;  // 0 for one line
    EXPECT_TRUE(text.ends_with("\r\n"));
    EXPECT_EQ(text[last + 3], ' ') << text;
    EXPECT_EQ(text[last], text[last + 4]) << text;
    EXPECT_EQ(text[last + 5], '.') << text;
  }
}

}  // namespace
}  // namespace lmtp

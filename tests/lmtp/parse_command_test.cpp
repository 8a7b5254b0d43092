#include "lmtp/parse_command.hpp"

#include <gtest/gtest.h>

namespace lmtp {
namespace {

template <class C>
C parsed(std::string_view line) {
  auto command = parse_command(line);
  if (!command) ADD_FAILURE() << line << ": " << command.error().text;
  if (!command || !std::holds_alternative<C>(*command)) return C();
  return std::get<C>(std::move(*command));
}

std::string refused(std::string_view line) {
  const auto command = parse_command(line);
  return command ? "accepted" : command.error().text;
}

const std::string kSyntaxError = "500 5.5.2 Syntax error\r\n";
const std::string kBadParameters = "501 5.5.4 Syntax error in parameters\r\n";
const std::string kUnrecognized = "555 5.5.4 Unrecognized parameters\r\n";

TEST(LmtpCommands, KeywordsOfEitherCase) {  // RFC 5321 s2.4
  EXPECT_EQ(parsed<Lhlo>("lhlo mx.example").name, "mx.example");
  EXPECT_EQ(parsed<Lhlo>("LHLO [IPv6:::1]").name, "[IPv6:::1]");
  parsed<Data>("dAtA");
  parsed<Rset>("RSET");
  parsed<Quit>("quit");
  parsed<StartTls>("STARTTLS");
  parsed<Bdat>("BDAT 100 LAST");
}

TEST(LmtpCommands, HeloAndEhloAreSyntaxErrors) {  // RFC 2033 s4.1
  EXPECT_EQ(refused("EHLO me"), kSyntaxError);
  EXPECT_EQ(refused("HELO me"), kSyntaxError);
  EXPECT_EQ(refused("HELP"), kSyntaxError);
  EXPECT_EQ(refused("EXPN list"), kSyntaxError);
  EXPECT_EQ(refused(""), kSyntaxError);
  EXPECT_EQ(refused(" NOOP"), kSyntaxError);
}

TEST(LmtpCommands, ArgumentsWhereTheyBelong) {  // RFC 5321 s4.1.1
  EXPECT_EQ(refused("LHLO"), kBadParameters);
  EXPECT_EQ(refused("LHLO a b"), kBadParameters);
  EXPECT_EQ(refused("DATA now"), kBadParameters);
  EXPECT_EQ(refused("RSET x"), kBadParameters);
  EXPECT_EQ(refused("QUIT x"), kBadParameters);
  EXPECT_EQ(refused("VRFY"), kBadParameters);
  parsed<Vrfy>("VRFY alice");
  parsed<Noop>("NOOP");
  parsed<Noop>("NOOP anything at all");  // s4.1.1.9
  parsed<Rset>("RSET ");
}

TEST(LmtpCommands, ControlOctetsMakeNoCommand) {
  EXPECT_EQ(refused(std::string("NOOP\0", 5)), kSyntaxError);
  EXPECT_EQ(refused(std::string("MAIL FROM:<a@b>\0", 16)), kSyntaxError);
  EXPECT_EQ(refused("NOOP\rQUIT"), kSyntaxError);
  EXPECT_EQ(refused("MAIL FROM:<a@b>\r"), kSyntaxError);
  EXPECT_EQ(refused("NOOP\tx"), kSyntaxError);
}

TEST(LmtpCommands, LongLinesAreRefusedWhole) {  // RFC 5321 s4.5.3.1.4, s4.5.3.1.9
  parsed<Noop>("NOOP " + std::string(kMaxCommandOctets - 5, 'x'));
  EXPECT_EQ(refused("NOOP " + std::string(kMaxCommandOctets - 4, 'x')), "500 5.5.6 Line too long\r\n");
}

TEST(LmtpMail, TakesASenderOrNone) {  // RFC 5321 s4.1.1.2
  EXPECT_EQ(to_text(parsed<Mail>("MAIL FROM:<a@b>").sender), "a@b");
  EXPECT_TRUE(parsed<Mail>("mail from:<>").sender.is_null());
  EXPECT_FALSE(parsed<Mail>("MAIL FROM:<a@b>").size);
  for (const std::string_view line : {"MAIL", "MAIL FROM", "MAIL FROM:", "MAIL FROM:a@b", "MAIL FROM: <a@b>",
                                      "MAIL FROM:<a@b", "MAIL FROM:<a@b>x", "MAIL TO:<a@b>", "MAIL <a@b>"}) {
    EXPECT_EQ(refused(line), kBadParameters) << line;
  }
}

TEST(LmtpMail, SizeOfRfc1870) {  // RFC 1870 s6
  EXPECT_EQ(parsed<Mail>("MAIL FROM:<a@b> SIZE=100").size, 100U);
  EXPECT_EQ(parsed<Mail>("MAIL FROM:<a@b> size=0").size, 0U);
  EXPECT_EQ(parsed<Mail>("MAIL FROM:<a@b> SIZE=99999999999999999999999").size, ~std::uint64_t{0});
  EXPECT_EQ(refused("MAIL FROM:<a@b> SIZE="), "501 5.5.4 SIZE requires a value\r\n");
  EXPECT_EQ(refused("MAIL FROM:<a@b> SIZE=-1"), "501 5.5.4 SIZE requires a value\r\n");
  EXPECT_EQ(refused("MAIL FROM:<a@b> SIZE=1x"), "501 5.5.4 SIZE requires a value\r\n");
  EXPECT_EQ(refused("MAIL FROM:<a@b> SIZE=1 SIZE=2"), kBadParameters);
}

TEST(LmtpMail, BodyOfRfc6152) {  // RFC 6152 s2
  EXPECT_TRUE(parsed<Mail>("MAIL FROM:<a@b> BODY=8BITMIME").eight_bit);
  EXPECT_FALSE(parsed<Mail>("MAIL FROM:<a@b> body=7bit SIZE=1").eight_bit);
  EXPECT_EQ(refused("MAIL FROM:<a@b> BODY=BINARYMIME"), "501 5.5.4 Unrecognized BODY type\r\n");
}

TEST(LmtpMail, Smtputf8OfRfc6531) {  // RFC 6531 s3.4
  EXPECT_TRUE(parsed<Mail>("MAIL FROM:<j\xC3\xB6rg@x> SMTPUTF8").utf8);
  EXPECT_FALSE(parsed<Mail>("MAIL FROM:<j\xC3\xB6rg@x>").utf8);
  EXPECT_EQ(refused("MAIL FROM:<a@b> SMTPUTF8=yes"), kUnrecognized);
}

TEST(LmtpMail, AuthOfRfc4954IsTakenAndMeansNothing) {  // RFC 4954 s5
  parsed<Mail>("MAIL FROM:<a@b> AUTH=<>");
  parsed<Mail>("MAIL FROM:<a@b> AUTH=e+3Dmc2@example.com");
  EXPECT_EQ(refused("MAIL FROM:<a@b> AUTH="), kUnrecognized);
}

TEST(LmtpMail, ParametersOfWhatIsNotOfferedAreRefused) {  // RFC 5321 s4.1.1.11
  EXPECT_EQ(refused("MAIL FROM:<a@b> RET=HDRS"), kUnrecognized);
  EXPECT_EQ(refused("MAIL FROM:<a@b> ENVID=QQ314159"), kUnrecognized);
  EXPECT_EQ(refused("MAIL FROM:<a@b> X"), kUnrecognized);
}

TEST(LmtpRcpt, TakesARecipient) {  // RFC 5321 s4.1.1.3
  EXPECT_EQ(to_text(parsed<Rcpt>("RCPT TO:<alice+a.b@x>").recipient), "alice+a.b@x");
  EXPECT_FALSE(parsed<Rcpt>("RCPT TO:<alice>").ignore_quota);
  EXPECT_TRUE(parsed<Rcpt>("RCPT TO:<alice> ignorequota").ignore_quota);
  EXPECT_EQ(refused("RCPT TO:<>"), "501 5.1.3 No recipient\r\n");
  EXPECT_EQ(refused("RCPT TO:alice"), kBadParameters);
  EXPECT_EQ(refused("RCPT TO:<alice>x"), kBadParameters);
  EXPECT_EQ(refused("RCPT TO:<alice> NOTIFY=NEVER"), kUnrecognized);
  EXPECT_EQ(refused("RCPT TO:<alice> ORCPT=rfc822;a@b"), kUnrecognized);
  EXPECT_EQ(refused("RCPT TO:<alice> IGNOREQUOTA=1"), kUnrecognized);
  EXPECT_EQ(refused("RCPT FROM:<alice>"), kBadParameters);
}

TEST(LmtpAuth, WithAndWithoutInitialResponse) {  // RFC 4954 s4
  EXPECT_EQ(parsed<Auth>("AUTH PLAIN").mechanism, "PLAIN");
  EXPECT_FALSE(parsed<Auth>("AUTH PLAIN").initial_response);
  EXPECT_EQ(parsed<Auth>("AUTH PLAIN AGEAYg==").initial_response, "AGEAYg==");
  EXPECT_EQ(parsed<Auth>("AUTH EXTERNAL =").initial_response, "=");
  EXPECT_EQ(refused("AUTH"), kBadParameters);
  EXPECT_EQ(refused("AUTH PLAIN a b"), kBadParameters);
}

}  // namespace
}  // namespace lmtp

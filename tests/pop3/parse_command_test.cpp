#include "pop3/parse_command.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace pop3 {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

/// The refusal of a line, or "accepted".
std::string refusal(std::string_view line, State state) {
  const auto parsed = parse_command(line, state);
  return parsed ? "accepted" : parsed.error().reply.text;
}

template <class C>
C parsed(std::string_view line, State state) {
  auto command = parse_command(line, state);
  if (!command) {
    ADD_FAILURE() << line << ": " << command.error().reply.text;
    return C{};
  }
  if (!std::holds_alternative<C>(*command)) {
    ADD_FAILURE() << line << ": command number " << command->index();
    return C{};
  }
  return std::get<C>(std::move(*command));
}

constexpr auto kLogin = State::authorization;
constexpr auto kMail = State::transaction;

TEST(ParseCommand, KeywordsAreCaseInsensitive) {  // RFC 1939 s3
  for (const auto* line : {"NOOP", "noop", "NoOp"}) EXPECT_EQ(refusal(line, kMail), "accepted") << line;
}

TEST(ParseCommand, EachCommandBelongsToItsState) {  // RFC 1939 s4, s5
  for (const auto* line : {"USER a", "PASS a", "APOP a b", "AUTH", "STLS"}) {
    EXPECT_EQ(refusal(line, kLogin), "accepted") << line;
    EXPECT_EQ(refusal(line, kMail), "-ERR Unrecognized command\r\n") << line;
  }
  for (const auto* line : {"STAT", "LIST", "UIDL", "RETR 1", "DELE 1", "NOOP", "RSET", "TOP 1 0"}) {
    EXPECT_EQ(refusal(line, kMail), "accepted") << line;
    EXPECT_EQ(refusal(line, kLogin), "-ERR Unrecognized command\r\n") << line;
  }
  for (const auto* line : {"QUIT", "CAPA"}) {
    EXPECT_EQ(refusal(line, kLogin), "accepted") << line;
    EXPECT_EQ(refusal(line, kMail), "accepted") << line;
  }
}

TEST(ParseCommand, WrongStateIsToldBeforeWrongArguments) {
  EXPECT_EQ(refusal("LIST x", kLogin), "-ERR Unrecognized command\r\n");
  EXPECT_EQ(refusal("USER", kMail), "-ERR Unrecognized command\r\n");
}

TEST(ParseCommand, UnknownAndEmptyKeywordsAreUnrecognized) {
  for (const auto line : {""sv, "XYZZY"sv, "QUIT:"sv, "QUITT"sv, "QUI"sv, "  QUIT"sv, "\xC2\xA0QUIT"sv}) {
    EXPECT_EQ(refusal(line, kMail), "-ERR Unrecognized command\r\n") << line;
  }
}

TEST(ParseCommand, WhiteSpaceWithoutArgumentIsASyntaxError) {
  for (const auto* line : {"QUIT ", "NOOP\r", "LIST \t ", "XYZZY ", " ", "TOP  "}) {
    EXPECT_EQ(refusal(line, kMail), "-ERR Syntax error\r\n") << line;
  }
  for (const auto* line : {"PASS ", "USER  ", "STLS ", "APOP "}) {
    EXPECT_EQ(refusal(line, kLogin), "-ERR Syntax error\r\n") << line;
  }
}

TEST(ParseCommand, NulMakesTheWholeLineASyntaxError) {
  for (const auto line : {"NOOP\0junk"sv, "\0"sv, "DELE 1\0002"sv, "QUIT\0"sv}) {
    EXPECT_EQ(refusal(line, kMail), "-ERR Syntax error\r\n");
  }
  EXPECT_EQ(refusal("PASS a\0b"sv, kLogin), "-ERR Syntax error\r\n");
}

TEST(ParseCommand, OverlongLineIsRefusedWhole) {  // RFC 2449 s4
  const std::string longest = "PASS " + std::string(kMaxCommandOctets - 5, 'x');
  EXPECT_EQ(parsed<Pass>(longest, kLogin).password.view().size(), kMaxCommandOctets - 5);
  EXPECT_EQ(refusal(longest + "x", kLogin), "-ERR Line too long\r\n");
  EXPECT_EQ(refusal("NOOP" + std::string(20000, ' '), kMail), "-ERR Line too long\r\n");
  EXPECT_EQ(overlong_line().reply.text, "-ERR Line too long\r\n");
  EXPECT_TRUE(overlong_line().hostile);
}

TEST(ParseCommand, CommandLinesOf255OctetsAreTaken) {  // RFC 2449 s4
  EXPECT_EQ(parsed<User>("USER " + std::string(248, 'u'), kLogin).name.size(), 248U);
}

TEST(ParseCommand, ArgumentsWhereNoneBelongAreExtra) {
  for (const auto* line : {"QUIT x", "CAPA x", "STAT x", "NOOP  x", "RSET 1"}) {
    EXPECT_EQ(refusal(line, kMail), "-ERR Unexpected extra argument\r\n") << line;
  }
  EXPECT_EQ(refusal("STLS x", kLogin), "-ERR Unexpected extra argument\r\n");
  EXPECT_EQ(refusal("QUIT x", kLogin), "-ERR Unexpected extra argument\r\n");
}

TEST(ParseCommand, MissingArgumentsAreTold) {
  for (const auto* line : {"RETR", "DELE", "TOP", "TOP 1", "TOP x", "TOP -1 0", "TOP 4294967296 0"}) {
    EXPECT_EQ(refusal(line, kMail), "-ERR Missing argument\r\n") << line;
  }
  for (const auto* line : {"USER", "PASS"}) EXPECT_EQ(refusal(line, kLogin), "-ERR Missing argument\r\n") << line;
}

TEST(ParseCommand, NumbersAreDecimalAndOf32Bits) {
  for (const std::string keyword : {"LIST ", "UIDL ", "RETR ", "DELE "}) {
    for (const auto* number : {"-1", "+1", "x", "4294967296", "4294967297", "18446744073709551616"}) {
      EXPECT_EQ(refusal(keyword + number, kMail), "-ERR Not a number\r\n") << keyword << number;
    }
    EXPECT_EQ(refusal(keyword + std::string(400, '9'), kMail), "-ERR Not a number\r\n");
    for (const auto* number : {"1x", "1 2", "1 ", "1e1", "0x1", "1\r", "1.0"}) {
      EXPECT_EQ(refusal(keyword + number, kMail), "-ERR Unexpected extra argument\r\n") << keyword << number;
    }
    for (const auto* number : {"0", "1", "4294967295"}) {
      EXPECT_EQ(refusal(keyword + number, kMail), "accepted") << keyword << number;
    }
  }
}

TEST(ParseCommand, LeadingZerosAndBlanksDoNotMatter) {
  EXPECT_EQ(parsed<Retr>("RETR 01", kMail).number, MessageNumber{1});
  EXPECT_EQ(parsed<Retr>("RETR " + std::string(400, '0') + "7", kMail).number, MessageNumber{7});
  EXPECT_EQ(parsed<Dele>("DELE \t 12", kMail).number, MessageNumber{12});
}

TEST(ParseCommand, ListAndUidlTakeAnOptionalNumber) {  // RFC 1939 s5, s7
  EXPECT_FALSE(parsed<List>("LIST", kMail).number);
  EXPECT_EQ(parsed<List>("LIST 2", kMail).number, MessageNumber{2});
  EXPECT_FALSE(parsed<Uidl>("UIDL", kMail).number);
  EXPECT_EQ(parsed<Uidl>("UIDL 4294967295", kMail).number, MessageNumber{4294967295U});
}

TEST(ParseCommand, TopTakesANumberAndLines) {  // RFC 1939 s7
  const Top top = parsed<Top>("TOP 3  20", kMail);
  EXPECT_EQ(top.number, MessageNumber{3});
  EXPECT_EQ(top.lines, 20U);
}

TEST(ParseCommand, TopTakesLineCountsOfFull32Bits) {
  for (const std::uint32_t lines : {99999999U, 2147483648U, 4294967294U, 4294967295U}) {
    EXPECT_EQ(parsed<Top>("TOP 1 " + std::to_string(lines), kMail).lines, lines);
  }
}

TEST(ParseCommand, TopChecksTheNumberOfLinesBeforeAnythingElse) {
  for (const auto* line : {"TOP 1 ", "TOP 1 x", "TOP 1 -1", "TOP 1x 0", "TOP 1 4294967296", "TOP 9 x", "TOP 1x"}) {
    EXPECT_EQ(refusal(line, kMail), "-ERR Invalid number of lines\r\n") << line;
  }
  for (const auto* line : {"TOP 1 1 1", "TOP 1 1x", "TOP 1 1 "}) {
    EXPECT_EQ(refusal(line, kMail), "-ERR Unexpected extra argument\r\n") << line;
  }
}

TEST(ParseCommand, PasswordIsKeptVerbatimAfterOneSeparator) {
  EXPECT_EQ(parsed<Pass>("PASS secret", kLogin).password.view(), "secret");
  EXPECT_EQ(parsed<Pass>("PASS  two  blanks \t", kLogin).password.view(), " two  blanks \t");
  EXPECT_EQ(parsed<Pass>("PASS \t", kLogin).password.view(), "\t");
  EXPECT_EQ(parsed<Pass>("PASS\tp\xC3\xA4ss\xFF", kLogin).password.view(), "p\xC3\xA4ss\xFF");
  EXPECT_EQ(parsed<Pass>("pass  x", kLogin).password.view(), " x");
}

TEST(ParseCommand, UserKeepsInnerAndTrailingBlanks) {
  EXPECT_EQ(parsed<User>("USER  \talice b ", kLogin).name, "alice b ");
}

TEST(ParseCommand, ApopDigestFollowsTheLastBlank) {  // RFC 1939 s7
  const Apop apop = parsed<Apop>("APOP mr rose c4c9334bac560ecc979e58001b3e22fb", kLogin);
  EXPECT_EQ(apop.name, "mr rose");
  EXPECT_EQ(apop.digest, "c4c9334bac560ecc979e58001b3e22fb");
  EXPECT_EQ(parsed<Apop>("APOP mrose", kLogin).name, "mrose");
  EXPECT_EQ(parsed<Apop>("APOP mrose", kLogin).digest, "");
  EXPECT_EQ(parsed<Apop>("APOP", kLogin).name, "");
}

TEST(ParseCommand, BareAuthAsksForTheMechanisms) {  // RFC 5034 s4; Outlook adds a blank
  for (const auto* line : {"AUTH", "AUTH ", "auth   \t"}) {
    const Auth auth = parsed<Auth>(line, kLogin);
    EXPECT_EQ(auth.mechanism, "");
    EXPECT_FALSE(auth.initial_response);
  }
}

TEST(ParseCommand, AuthKeepsTheInitialResponseVerbatim) {  // RFC 5034 s4
  EXPECT_EQ(parsed<Auth>("AUTH PLAIN", kLogin).initial_response, std::nullopt);
  EXPECT_EQ(parsed<Auth>("AUTH  plain AGEAYg==", kLogin).mechanism, "plain");
  EXPECT_EQ(parsed<Auth>("AUTH PLAIN AGEAYg==", kLogin).initial_response, "AGEAYg==");
  EXPECT_EQ(parsed<Auth>("AUTH EXTERNAL =", kLogin).initial_response, "=");
  EXPECT_EQ(parsed<Auth>("AUTH PLAIN  AGEAYg==", kLogin).initial_response, " AGEAYg==");
  EXPECT_EQ(parsed<Auth>("AUTH PLAIN ", kLogin).initial_response, "");
}

TEST(ParseCommand, WellMeantForeignCommandsAreNotHostile) {
  for (const State state : {kLogin, kMail}) {
    for (const auto* line : {"LAST", "last", "XTND XMIT", "UTF8", "LANG *", "LANG "}) {
      const auto command = parse_command(line, state);
      ASSERT_FALSE(command) << line;
      EXPECT_FALSE(command.error().hostile) << line;
    }
    for (const auto* line : {"GET / HTTP/1.1", "", "LASTX", "LIST x x", "TOP 1"}) {
      const auto command = parse_command(line, state);
      ASSERT_FALSE(command) << line;
      EXPECT_TRUE(command.error().hostile) << line;
    }
  }
}

TEST(ParseCommand, KnowsTheFirstLineOfAnHttpRequest) {
  for (const auto* line :
       {"GET / HTTP/1.1", "POST /x HTTP/1.0", "OPTIONS * HTTP/1.1", "PRI * HTTP/2.0", "CONNECT a:1"}) {
    const auto command = parse_command(line, kLogin);
    ASSERT_FALSE(command) << line;
    EXPECT_TRUE(command.error().foreign) << line;
  }
  for (const auto* line : {"GET", "get / HTTP/1.1", "GETS x", "PRI", "Host: example.org", "DELE 1", "HELO x"}) {
    const auto command = parse_command(line, kLogin);
    ASSERT_FALSE(command) << line;
    EXPECT_FALSE(command.error().foreign) << line;
  }
}

TEST(ParseCommand, StringsOfOtherTerminatorsStayInsideTheLine) {
  // net/ takes one CR off; what is left is a white-space octet like any other.
  EXPECT_EQ(refusal("STAT\r", kMail), "-ERR Syntax error\r\n");
  EXPECT_EQ(refusal("STAT\rRSET", kMail), "-ERR Unexpected extra argument\r\n");
  EXPECT_EQ(refusal("STAT\vRSET", kMail), "-ERR Unexpected extra argument\r\n");
}

/// Lines that come near to commands more often than random bytes would.
rc::Gen<std::string> near_commands() {
  const auto word = rc::gen::element("QUIT"s, "CAPA"s, "USER"s, "PASS"s, "APOP"s, "AUTH"s, "STLS"s, "STAT"s, "LIST"s,
                                     "UIDL"s, "RETR"s, "DELE"s, "NOOP"s, "RSET"s, "TOP"s, "LAST"s, " "s, "\t"s, "\r"s,
                                     "\0"s, "0"s, "1"s, "4294967295"s, "4294967296"s, "="s);
  return rc::gen::map(
      rc::gen::container<std::vector<std::string>>(rc::gen::oneOf(word, rc::gen::string<std::string>())),
      [](const std::vector<std::string>& words) {
        std::string line;
        for (const auto& each : words) line += each;
        return line;
      });
}

RC_GTEST_PROP(ParseCommandProperty, AnyBytesGiveACommandOfTheStateOrOneErrLine, ()) {
  const std::string line = *near_commands();
  const State state = *rc::gen::element(State::authorization, State::transaction);
  const auto command = parse_command(line, state);
  if (command) {
    RC_ASSERT(line.find('\0') == std::string::npos);
    const bool both = std::holds_alternative<Quit>(*command) || std::holds_alternative<Capa>(*command);
    const bool mail = command->index() >= Command(Stat{}).index();
    RC_ASSERT(both || mail == (state == State::transaction));
  } else {
    const std::string& text = command.error().reply.text;
    RC_ASSERT(text.starts_with("-ERR "));
    RC_ASSERT(text.find("\r\n") == text.size() - 2);
    RC_ASSERT(text.size() <= kMaxReplyOctets);
  }
}

RC_GTEST_PROP(ParseCommandProperty, AnyPasswordWithoutNulComesThroughUnchanged, ()) {
  const auto password =
      *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::distinctFrom(rc::gen::arbitrary<char>(), '\0')));
  const auto command = parse_command("PASS " + password, State::authorization);
  RC_ASSERT(command.has_value());
  RC_ASSERT(std::get<Pass>(*command).password.view() == password);
}

RC_GTEST_PROP(ParseCommandProperty, EveryNumberReadsAsItself, (std::uint32_t number, std::uint32_t lines)) {
  const auto command = parse_command("TOP " + std::to_string(number) + ' ' + std::to_string(lines), State::transaction);
  RC_ASSERT(command.has_value());
  const Top& top = std::get<Top>(*command);
  RC_ASSERT(value(top.number) == number);
  RC_ASSERT(top.lines == lines);
}

}  // namespace
}  // namespace pop3

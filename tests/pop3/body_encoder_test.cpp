#include "pop3/body_encoder.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

namespace pop3 {
namespace {

using namespace std::string_literals;

struct Encoded {
  std::string text;
  std::uint64_t octets = 0;

  friend bool operator==(const Encoded&, const Encoded&) = default;
};

Encoded encode_pieces(const std::vector<std::string>& pieces, std::optional<std::uint32_t> top_lines = std::nullopt) {
  Encoded out;
  BodyEncoder encoder(top_lines);
  for (const std::string& piece : pieces) encoder.encode(piece, out.text);
  encoder.finish(out.text);
  out.octets = encoder.octets();
  return out;
}

std::string encoded(const std::string& message, std::optional<std::uint32_t> top_lines = std::nullopt) {
  return encode_pieces({message}, top_lines).text;
}

/// The message as a client must see it, written as simply as possible: the model for the encoder.
std::string repaired(const std::string& message) {
  std::string out;
  for (const char c : message) {
    if (c == '\n' && !out.ends_with('\r')) out += '\r';
    out += c == '\0' ? '\x80' : c;
  }
  if (!out.empty() && !out.ends_with('\n')) out += "\r\n";
  return out;
}

/// What a client makes of a multi-line reply (RFC 1939 s3); nullopt when its first lone dot is not its end.
std::optional<std::string> unstuffed(std::string_view reply) {
  std::string out;
  while (!reply.empty()) {
    const std::size_t end = reply.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view line = reply.substr(0, end + 2);
    reply.remove_prefix(end + 2);
    if (line == ".\r\n") return reply.empty() ? std::optional(out) : std::nullopt;
    if (line.front() == '.') line.remove_prefix(1);
    out += line;
  }
  return std::nullopt;
}

/// TOP of a repaired message, by the letter of RFC 1939 s7.
std::string top_of(const std::string& message, std::uint32_t lines) {
  std::size_t end = 0;
  const auto next_line = [&] {
    const std::size_t begin = end;
    end = message.find('\n', begin) + 1;
    return message.substr(begin, end - begin);
  };
  while (end < message.size() && next_line() != "\r\n") {
  }
  for (; lines != 0 && end < message.size(); --lines) next_line();
  return message.substr(0, end);
}

TEST(BodyEncoder, OrdinaryMessagePassesUnchanged) {  // RFC 1939 s3
  EXPECT_EQ(encoded("A: b\r\n\r\nhello\r\n"), "A: b\r\n\r\nhello\r\n.\r\n");
}

TEST(BodyEncoder, EmptyMessageIsTheFinalDot) {
  EXPECT_EQ(encoded(""), ".\r\n");
  EXPECT_EQ(encode_pieces({}), (Encoded{".\r\n", 0}));
}

TEST(BodyEncoder, DotsAreStuffedAtEachLineStart) {  // RFC 1939 s3
  EXPECT_EQ(encoded(".\r\n..\r\n.a\r\nb.\r\n"), "..\r\n...\r\n..a\r\nb.\r\n.\r\n");
  EXPECT_EQ(encoded("a\r\n.\r\n+OK injected\r\n"), "a\r\n..\r\n+OK injected\r\n.\r\n");
}

TEST(BodyEncoder, BareLfBecomesCrlfAndStartsALine) {
  EXPECT_EQ(encoded("a\n.\nb\n"), "a\r\n..\r\nb\r\n.\r\n");
  EXPECT_EQ(encoded("\n\n"), "\r\n\r\n.\r\n");
  EXPECT_EQ(encoded("\n.\n"), "\r\n..\r\n.\r\n");
}

TEST(BodyEncoder, BareCrIsTextAndStartsNoLine) { EXPECT_EQ(encoded("a\r.b\r\r\n.c\r\n"), "a\r.b\r\r\n..c\r\n.\r\n"); }

TEST(BodyEncoder, NulBecomes0x80) {
  EXPECT_EQ(encoded("before\0after\r\n\0\r\n.\r\n+OK injected\r\n"s),
            "before\x80"
            "after\r\n\x80\r\n..\r\n+OK injected\r\n.\r\n"s);
}

TEST(BodyEncoder, NulsInWhatWasThereBeforeAreLeftAlone) {
  std::string out = "x\0y"s;
  BodyEncoder encoder;
  encoder.encode("a\0b\r\n"s, out);
  EXPECT_EQ(out,
            "x\0ya\x80"
            "b\r\n"s);
}

TEST(BodyEncoder, MissingFinalLineEndIsAdded) {
  EXPECT_EQ(encoded("a"), "a\r\n.\r\n");
  EXPECT_EQ(encoded("a\r\n."), "a\r\n..\r\n.\r\n");
  EXPECT_EQ(encoded("."), "..\r\n.\r\n");
  // A CR that ends the message is bare, as it would be anywhere else.
  EXPECT_EQ(encoded("a\r"), "a\r\r\n.\r\n");
  EXPECT_EQ(encoded("\r"), "\r\r\n.\r\n");
}

TEST(BodyEncoder, OctetsAreThoseOfTheMessageAsSent) {  // RFC 1939 s11
  EXPECT_EQ(encode_pieces({".a\r\n"}).octets, 4U);
  EXPECT_EQ(encode_pieces({".a\n"}).octets, 4U);
  EXPECT_EQ(encode_pieces({".a"}).octets, 4U);
  EXPECT_EQ(encode_pieces({".a", "\r", "\n"}).octets, 4U);
  EXPECT_EQ(encode_pieces({"a\0b\r\n"s}).octets, 5U);
}

TEST(BodyEncoder, LinesLongerThanAnyBufferAreStuffedOnlyAtTheirStart) {
  const std::string longest(100000, 'x');
  EXPECT_EQ(encode_pieces({"." + longest, "." + longest, "\r\n"}).text, ".." + longest + "." + longest + "\r\n.\r\n");
}

TEST(BodyEncoder, TopSendsHeadersBlankLineAndLines) {  // RFC 1939 s7, TOP
  const std::string message = "A: b\r\nC: d\r\n\r\n1\r\n\r\n3\r\n";
  EXPECT_EQ(encoded(message, 0), "A: b\r\nC: d\r\n\r\n.\r\n");
  EXPECT_EQ(encoded(message, 1), "A: b\r\nC: d\r\n\r\n1\r\n.\r\n");
  EXPECT_EQ(encoded(message, 2), "A: b\r\nC: d\r\n\r\n1\r\n\r\n.\r\n");
  EXPECT_EQ(encoded(message, 3), message + ".\r\n");
  EXPECT_EQ(encoded(message, 99999999), message + ".\r\n");
}

TEST(BodyEncoder, TopTakesLineCountsOfFull32BitsAsTheWholeMessage) {
  for (const std::uint32_t lines : {2147483647U, 2147483648U, 4294967294U, 4294967295U}) {
    EXPECT_EQ(encoded("A: b\r\n\r\n1\r\n", lines), "A: b\r\n\r\n1\r\n.\r\n") << lines;
  }
}

TEST(BodyEncoder, TopSeesABlankLineOfBareLf) {
  EXPECT_EQ(encoded("A: b\n\n1\n2\n", 1), "A: b\r\n\r\n1\r\n.\r\n");
  EXPECT_EQ(encoded("A: b\r\n\n1\n2\n", 0), "A: b\r\n\r\n.\r\n");
}

TEST(BodyEncoder, TopTakesTwoCrsForALineOfText) {
  EXPECT_EQ(encoded("A: b\r\n\r\r\n\r\n1\r\n", 0), "A: b\r\n\r\r\n\r\n.\r\n");
}

TEST(BodyEncoder, TopOfAMessageWithoutBlankLineIsTheWholeMessage) {
  EXPECT_EQ(encoded("A: b\r\nC: d\r\n", 0), "A: b\r\nC: d\r\n.\r\n");
  EXPECT_EQ(encoded("A: b", 0), "A: b\r\n.\r\n");
  EXPECT_EQ(encoded("", 0), ".\r\n");
}

TEST(BodyEncoder, TopOfAMessageWithoutHeadersStartsAtItsBlankLine) {
  EXPECT_EQ(encoded("\r\n1\r\n2\r\n", 1), "\r\n1\r\n.\r\n");
}

TEST(BodyEncoder, TopCompletesALineThatTheMessageLeavesOpen) {
  EXPECT_EQ(encoded("A: b\r\n\r\n.1", 1), "A: b\r\n\r\n..1\r\n.\r\n");
  EXPECT_EQ(encoded("A: b\r\n\r\n.1", 0), "A: b\r\n\r\n.\r\n");
}

TEST(BodyEncoder, TopSaysWhenItHasEnough) {
  std::string out;
  BodyEncoder encoder(1U);
  EXPECT_TRUE(encoder.encode("A: b\r\n\r", out));
  EXPECT_TRUE(encoder.encode("", out));
  EXPECT_TRUE(encoder.encode("\n1\r", out));
  EXPECT_FALSE(encoder.encode("\n2\r\n", out));
  EXPECT_FALSE(encoder.encode("3\r\n", out));
  encoder.finish(out);
  EXPECT_EQ(out, "A: b\r\n\r\n1\r\n.\r\n");
  EXPECT_EQ(encoder.octets(), 11U);
}

TEST(BodyEncoder, EverySplitOfAnAwkwardMessageGivesTheSame) {
  const std::string message = ".a\r\n.\n\r\n\r\r\n.\0\n\r.\r\n..\r"s;
  for (const std::optional<std::uint32_t> lines : {std::optional<std::uint32_t>{}, {0}, {1}, {2}, {3}, {4294967295U}}) {
    const Encoded whole = encode_pieces({message}, lines);
    for (std::size_t i = 0; i <= message.size(); ++i) {
      for (std::size_t j = i; j <= message.size(); ++j) {
        EXPECT_EQ(encode_pieces({message.substr(0, i), message.substr(i, j - i), message.substr(j)}, lines).text,
                  whole.text)
            << i << ' ' << j;
      }
    }
  }
}

/// Messages in which the octets that matter are frequent.
rc::Gen<std::string> messages() {
  return rc::gen::container<std::string>(rc::gen::weightedOneOf<char>(
      {{1, rc::gen::arbitrary<char>()}, {6, rc::gen::element('\r', '\n', '.', '\0', 'x')}}));
}

std::vector<std::string> split_at_random(const std::string& message) {
  // An empty piece now and then; never two, or a generator that starts with the smallest numbers would not end.
  std::vector<std::string> pieces(1);
  std::size_t at = 0;
  while (at < message.size()) {
    const auto length = *rc::gen::inRange<std::size_t>(pieces.back().empty() ? 1 : 0, 10);
    pieces.push_back(message.substr(at, length));
    at += pieces.back().size();
  }
  return pieces;
}

RC_GTEST_PROP(BodyEncoderProperty, AnySplitGivesWhatThePieceAsAWholeGives, ()) {
  const std::string message = *messages();
  const auto lines = *rc::gen::maybe(rc::gen::inRange<std::uint32_t>(0, 5));
  std::optional<std::uint32_t> top_lines;
  if (lines) top_lines = *lines;
  RC_ASSERT(encode_pieces(split_at_random(message), top_lines) == encode_pieces({message}, top_lines));
}

RC_GTEST_PROP(BodyEncoderProperty, UnstuffingGivesTheRepairedMessage, ()) {
  const std::string message = *messages();
  const Encoded out = encode_pieces({message});
  const auto received = unstuffed(out.text);
  RC_ASSERT(received.has_value());
  RC_ASSERT(*received == repaired(message));
  RC_ASSERT(out.octets == received->size());
}

RC_GTEST_PROP(BodyEncoderProperty, TopIsTheTopOfTheRepairedMessage, ()) {
  const std::string message = *messages();
  const auto lines = *rc::gen::inRange<std::uint32_t>(0, 6);
  const Encoded out = encode_pieces(split_at_random(message), lines);
  const auto received = unstuffed(out.text);
  RC_ASSERT(received.has_value());
  RC_ASSERT(*received == top_of(repaired(message), lines));
  RC_ASSERT(out.octets == received->size());
}

}  // namespace
}  // namespace pop3

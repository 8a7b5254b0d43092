#include "net/line_buffer.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace net {
namespace {

using Status = LineBuffer::Status;

// Receives all of `text`, as far as there is room at once.
std::size_t put(LineBuffer& buffer, std::string_view text, std::size_t limit) {
  const auto space = buffer.space(limit);
  const std::size_t octets = std::min(space.size(), text.size());
  std::memcpy(space.data(), text.data(), octets);
  buffer.received(octets);
  return octets;
}

// Each line as "=LINE", each refused one as "!", "X" when the buffer gave up, fed in pieces of `piece` octets.
std::vector<std::string> lines_of(std::string_view text, std::size_t limit, std::size_t piece) {
  LineBuffer buffer;
  std::vector<std::string> result;
  for (;;) {
    const auto next = buffer.next(limit);
    if (next.status == Status::line) {
      result.push_back("=" + std::string(next.line));
    } else if (next.status == Status::too_long) {
      result.emplace_back("!");
    } else if (next.status == Status::exhausted) {
      result.emplace_back("X");
      return result;
    } else if (text.empty()) {
      return result;
    } else {
      text.remove_prefix(put(buffer, text.substr(0, piece), limit));
    }
  }
}

// The rules said in another way, over the whole text at once.
std::vector<std::string> expected_lines(std::string_view text, std::size_t limit) {
  std::vector<std::string> result;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    result.push_back(line.size() > limit ? "!" : "=" + std::string(line));
  }
  return result;
}

TEST(LineBuffer, TakesOneCarriageReturnBeforeTheLineFeedAsPartOfTheLineEnd) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(lines_of("a\r\nb\nc\r\r\n\r\n\nd\re\r\n", 10, 100), (Lines{"=a", "=b", "=c\r", "=", "=", "=d\re"}));
}

TEST(LineBuffer, KeepsNulAndEightBitOctets) {
  const std::string line("a\0b\xff\x80", 5);
  EXPECT_EQ(lines_of(line + "\r\n", 10, 1), std::vector<std::string>{"=" + line});
}

TEST(LineBuffer, GivesNothingOutForALineWithoutItsEnd) {
  LineBuffer buffer;
  put(buffer, "QUIT\r", 100);
  EXPECT_EQ(buffer.next(100).status, Status::incomplete);
  EXPECT_FALSE(buffer.has_line());
  EXPECT_EQ(buffer.unread(), 5U);
}

TEST(LineBuffer, MeasuresALineWithoutItsEnd) {
  for (const std::size_t limit : {0U, 1U, 254U, 255U, 511U, 512U, 513U, 8191U, 8192U, 40000U}) {
    for (const std::size_t piece : {1U, 7U, 512U, 100000U}) {
      const std::string fits(limit, 'x');
      const std::string longer(limit + 1, 'x');
      const std::string text = fits + "\r\n" + longer + "\r\n" + fits + "\n" + longer + "\n" + "next\r\n";
      const auto lines = lines_of(text, limit, piece);
      const std::string last = limit >= 4 ? "=next" : "!";
      EXPECT_EQ(lines, (std::vector<std::string>{"=" + fits, "!", "=" + fits, "!", last})) << limit << " " << piece;
    }
  }
}

TEST(LineBuffer, NeverGivesOutTheTailOfAnOverlongLine) {
  const std::string text = std::string(100'000, ' ') + "DELE 1\r\nNOOP\r\n";
  for (const std::size_t piece : {1U, 511U, 4096U}) {
    EXPECT_EQ(lines_of(text, 255, piece), (std::vector<std::string>{"!", "=NOOP"})) << piece;
  }
}

TEST(LineBuffer, GivesUpOnALineWithoutEnd) {
  const std::string all(LineBuffer::kMaxDiscardOctets, 'x');
  EXPECT_EQ(lines_of(all + "\nNOOP\n", 255, 4096), (std::vector<std::string>{"!", "=NOOP"}));
  EXPECT_EQ(lines_of(all + std::string(600, 'x') + "\n", 255, 512), (std::vector<std::string>{"X"}));
}

TEST(LineBuffer, ObeysTheLimitOfEachCall) {
  LineBuffer buffer;
  put(buffer, "abcdef\r\nabcdef\r\n", 6);
  EXPECT_EQ(buffer.next(5).status, Status::too_long);
  EXPECT_EQ(buffer.next(6).line, "abcdef");
}

TEST(LineBuffer, GivesOutOctetsBetweenLines) {
  for (std::size_t taken = 0; taken <= 7; ++taken) {
    LineBuffer buffer;
    const std::string text = "DATA\r\na\nb\r\n.\r\nQUIT\r\n";
    put(buffer, text, 255);
    EXPECT_EQ(buffer.next(255).line, "DATA");
    EXPECT_EQ(buffer.pending(), text.substr(6));
    buffer.consume(taken);
    EXPECT_EQ(buffer.pending(), text.substr(6 + taken));
    buffer.consume(8 - taken);
    EXPECT_TRUE(buffer.has_line());
    EXPECT_EQ(buffer.next(255).line, "QUIT");
    EXPECT_EQ(buffer.pending(), "");
    EXPECT_FALSE(buffer.has_line());
  }
}

TEST(LineBuffer, StaysSmallForShortLines) {
  LineBuffer buffer;
  for (int i = 0; i < 1000; ++i) {
    put(buffer, "RETR 1\r\n", 255);
    ASSERT_EQ(buffer.next(255).status, Status::line);
    ASSERT_EQ(buffer.capacity(), LineBuffer::kSmallOctets);
  }
}

TEST(LineBuffer, ReadsAheadNoMoreThanItsBoundAndShrinksWhenTheFloodIsOver) {
  LineBuffer buffer;
  std::string flood;
  while (flood.size() < 200'000) flood += "NOOP\r\n";
  std::string_view left = flood;
  while (!left.empty()) {
    if (buffer.next(255).status == Status::line) continue;
    left.remove_prefix(put(buffer, left, 255));
    ASSERT_LE(buffer.capacity(), LineBuffer::kReadAheadOctets);
  }
  EXPECT_EQ(buffer.capacity(), LineBuffer::kReadAheadOctets);
  while (buffer.next(255).status == Status::line) continue;
  put(buffer, "NOOP\r\n", 255);
  EXPECT_EQ(buffer.next(255).line, "NOOP");
  static_cast<void>(buffer.space(255));
  EXPECT_EQ(buffer.capacity(), LineBuffer::kSmallOctets);
}

TEST(LineBuffer, OverwritesWhatItHasGivenOutBeforeItReceivesMore) {
  LineBuffer buffer;
  put(buffer, "PASS secret\r\nUSER x", 255);
  ASSERT_EQ(buffer.next(255).line, "PASS secret");
  ASSERT_EQ(buffer.next(255).status, Status::incomplete);
  const auto space = buffer.space(255);
  const std::string_view all(space.data() - buffer.unread(), buffer.capacity());
  EXPECT_EQ(all.find("secret"), std::string_view::npos);
  EXPECT_EQ(all.substr(0, 6), "USER x");
}

RC_GTEST_PROP(LineBuffer, GivesTheSameLinesHoweverTheOctetsArrive, ()) {
  const auto limit = *rc::gen::inRange<std::size_t>(0, 30);
  const auto piece = *rc::gen::inRange<std::size_t>(1, 60);
  const auto text = *rc::gen::container<std::string>(rc::gen::element('a', '\0', '\r', '\n', '\xff'));
  RC_ASSERT(lines_of(text, limit, piece) == expected_lines(text, limit));
}

}  // namespace
}  // namespace net

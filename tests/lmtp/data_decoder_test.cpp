#include "lmtp/data_decoder.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

namespace lmtp {
namespace {

struct Decoded {
  std::string message;
  std::string rest;
  bool finished = false;

  friend bool operator==(const Decoded&, const Decoded&) = default;
};

Decoded decode(std::string_view wire, std::size_t piece_octets = std::string_view::npos) {
  Decoded out;
  DataDecoder decoder;
  while (!wire.empty() && !out.finished) {
    const auto done = decoder.decode(wire.substr(0, piece_octets), out.message);
    wire.remove_prefix(done.consumed);
    out.finished = done.finished;
  }
  out.rest = wire;
  return out;
}

/// What a client does to a message (RFC 5321 s4.5.2): the model.
std::string stuffed(std::string message) {
  if (!message.empty() && !message.ends_with("\r\n")) message += "\r\n";
  std::string out;
  for (std::size_t i = 0; i < message.size(); ++i) {
    const bool line_start = i == 0 || (i >= 2 && message.compare(i - 2, 2, "\r\n") == 0);
    if (line_start && message[i] == '.') out += '.';
    out += message[i];
  }
  return out + ".\r\n";
}

TEST(DataDecoder, TakesOffOneDotAndEndsAtALoneOne) {  // RFC 5321 s4.5.2
  EXPECT_EQ(decode("a\r\n..b\r\n...\r\n.c\r\n.\r\nNOOP\r\n"), (Decoded{"a\r\n.b\r\n..\r\nc\r\n", "NOOP\r\n", true}));
}

TEST(DataDecoder, AMessageMayBeEmpty) { EXPECT_EQ(decode(".\r\n"), (Decoded{"", "", true})); }

TEST(DataDecoder, OnlyCrlfDotCrlfEndsAMessage) {  // RFC 5321 s4.1.1.4
  for (const std::string_view end :
       {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\n.\r", "\r\n.\r\r\n"}) {
    const std::string wire = "a" + std::string(end) + "MAIL FROM:<evil@x>\r\n";
    const auto out = decode(wire);
    EXPECT_FALSE(out.finished) << ::testing::PrintToString(end);
    EXPECT_TRUE(out.message.ends_with("MAIL FROM:<evil@x>\r\n"));
  }
}

TEST(DataDecoder, ADotBehindABareLineFeedStays) {
  EXPECT_EQ(decode("a\n.b\r\n.\r\n").message, "a\n.b\r\n");
  EXPECT_EQ(decode("a\n..b\r\n.\r\n").message, "a\n..b\r\n");
  EXPECT_EQ(decode("a\r\n.\nb\r\n.\r\n").message, "a\r\n\nb\r\n");
}

TEST(DataDecoder, CarriageReturnsAreKept) { EXPECT_EQ(decode("\r\r\n\r\n.\r\r\n.\r\n").message, "\r\r\n\r\n\r\r\n"); }

TEST(DataDecoder, NulsPass) {
  const std::string wire("a\0b\r\n.\r\n", 8);
  EXPECT_EQ(decode(wire).message, std::string("a\0b\r\n", 5));
}

TEST(DataDecoder, AnUnfinishedMessageSaysSo) {
  EXPECT_FALSE(decode("a\r\n.\r").finished);
  EXPECT_FALSE(decode("a\r\n").finished);
}

rc::Gen<std::string> difficult_text() {
  return rc::gen::container<std::string>(rc::gen::element('\r', '\n', '.', 'a', '\0'));
}

RC_GTEST_PROP(DataDecoderProperty, GivesBackWhatWasStuffedHoweverItIsCut, ()) {
  const std::string message = *difficult_text();
  const std::string behind = *difficult_text();
  const auto piece = *rc::gen::inRange<std::size_t>(1, 9);
  std::string whole = message;
  if (!whole.empty() && !whole.ends_with("\r\n")) whole += "\r\n";
  RC_ASSERT(decode(stuffed(message) + behind, piece) == (Decoded{whole, behind, true}));
}

RC_GTEST_PROP(DataDecoderProperty, AnyOctetsInAnyPiecesGiveTheSame, ()) {
  const std::string wire = *difficult_text();
  const auto piece = *rc::gen::inRange<std::size_t>(1, 9);
  RC_ASSERT(decode(wire, piece) == decode(wire));
}

}  // namespace
}  // namespace lmtp

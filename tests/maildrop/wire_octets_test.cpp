#include "maildrop/wire_octets.hpp"

#include <gtest/gtest.h>

#include <string>

namespace maildrop {
namespace {

std::uint64_t count(std::string_view text) {
  WireOctets octets;
  octets.add(text);
  return octets.octets();
}

TEST(WireOctets, ProperTextCountsAsItStands) {  // RFC 1939 s11
  EXPECT_EQ(count(""), 0U);
  EXPECT_EQ(count("\r\n"), 2U);
  EXPECT_EQ(count("Subject: a\r\n\r\none\r\n"), 19U);
  EXPECT_EQ(count(".\r\n..\r\n"), 7U);  // stuffed dots do not count
}

TEST(WireOctets, RepairsCount) {
  EXPECT_EQ(count("\n"), 2U);
  EXPECT_EQ(count("a\nb\n"), 6U);
  EXPECT_EQ(count("a"), 3U);
  EXPECT_EQ(count("a\r"), 4U);
  EXPECT_EQ(count("a\r\r\n"), 4U);
  EXPECT_EQ(count(std::string_view("a\0b\r\n", 5)), 5U);
}

TEST(WireOctets, PiecesCountAsTheWhole) {
  const std::string text = "a\r\nb\nc\r\r\n\n\r\nd\r";
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      WireOctets octets;
      octets.add(std::string_view(text).substr(0, first));
      octets.add(std::string_view(text).substr(first, second - first));
      octets.add(std::string_view(text).substr(second));
      EXPECT_EQ(octets.octets(), count(text)) << first << " " << second;
    }
  }
}

}  // namespace
}  // namespace maildrop

#include "config/value.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <string>

namespace {

using config::parse_byte_size;
using config::parse_duration;
using config::parse_integer;
using config::parse_toggle;
using std::chrono::seconds;

TEST(Toggle, IsDecidedByItsFirstLetters) {
  for (const std::string_view on : {"1", "y", "yes", "yippee", "on", "once", "t", "true", "10"}) {
    EXPECT_EQ(parse_toggle(on), true) << on;
  }
  for (const std::string_view off : {"0", "n", "no", "never", "of", "off", "official", "f", "false", "01"}) {
    EXPECT_EQ(parse_toggle(off), false) << off;
  }
}

TEST(Toggle, KnowsLowerCaseOnly) {
  for (const std::string_view bad : {"Yes", "ON", "No", "True", "F", "o", "", "2", "-1", " yes", "enabled"}) {
    EXPECT_EQ(parse_toggle(bad), std::nullopt) << bad;
  }
}

TEST(Integer, IsDecimalHexadecimalOrOctal) {
  EXPECT_EQ(parse_integer("10")->value, 10);
  EXPECT_EQ(parse_integer("0x10")->value, 16);
  EXPECT_EQ(parse_integer("0XfF")->value, 255);
  EXPECT_EQ(parse_integer("010")->value, 8);
  EXPECT_EQ(parse_integer("0")->value, 0);
  EXPECT_EQ(parse_integer("-1")->value, -1);
  EXPECT_EQ(parse_integer("+7")->value, 7);
  EXPECT_EQ(parse_integer("-0x80000000")->value, std::numeric_limits<int>::min());
}

TEST(Integer, GoesToTheEndOfTheValue) {
  for (const std::string_view bad : {"", "10x", "x", "08", "0x", "-", "+-1", "0x-1", "1 2", "1.5", "ten"}) {
    EXPECT_FALSE(parse_integer(bad)) << bad;
  }
}

TEST(Integer, IsCutTo32BitsAndSaysSo) {
  EXPECT_FALSE(parse_integer("2147483647")->cut);
  EXPECT_FALSE(parse_integer("-2147483648")->cut);
  const auto wide = parse_integer("4294967301");
  EXPECT_EQ(wide->value, 5);
  EXPECT_TRUE(wide->cut);
  EXPECT_EQ(parse_integer("2147483648")->value, std::numeric_limits<int>::min());
}

TEST(Integer, StopsAtTheEndsOfLongLikeStrtol) {
  for (const std::string_view huge : {"9223372036854775807", "99999999999999999999999", "0xffffffffffffffffffffff"}) {
    EXPECT_EQ(parse_integer(huge)->value, -1) << huge;
    EXPECT_TRUE(parse_integer(huge)->cut) << huge;
  }
  for (const std::string_view huge : {"-9223372036854775808", "-99999999999999999999999"}) {
    EXPECT_EQ(parse_integer(huge)->value, 0) << huge;
    EXPECT_TRUE(parse_integer(huge)->cut) << huge;
  }
}

TEST(Duration, IsASumOfNumbersWithUnits) {
  EXPECT_EQ(parse_duration("90s", 'm'), seconds(90));
  EXPECT_EQ(parse_duration("1h30m", 's'), seconds(5400));
  EXPECT_EQ(parse_duration("1d1h1m1s", 's'), seconds(86400 + 3600 + 60 + 1));
  EXPECT_EQ(parse_duration("30m1h", 's'), seconds(5400));
  EXPECT_EQ(parse_duration("1h1h", 's'), seconds(7200));
}

TEST(Duration, TakesTheUnitOfTheOptionForABareLastNumber) {
  EXPECT_EQ(parse_duration("10", 's'), seconds(10));
  EXPECT_EQ(parse_duration("10", 'm'), seconds(600));
  EXPECT_EQ(parse_duration("10", 'h'), seconds(36000));
  EXPECT_EQ(parse_duration("10", 'd'), seconds(864000));
  EXPECT_EQ(parse_duration("1h10", 'm'), seconds(4200));
}

TEST(Duration, MayBeNegativeAsAWhole) {
  EXPECT_EQ(parse_duration("-5", 'm'), seconds(-300));
  EXPECT_EQ(parse_duration("-1h30m", 's'), seconds(-5400));
}

TEST(Duration, RefusesWhatItCannotRead) {
  for (const std::string_view bad :
       {"", "-", "x", "10x", "h", "1h-30m", "--5", "+5", "1 h", "1h 30m", "10M", "1w", "1.5h", " 5"}) {
    EXPECT_EQ(parse_duration(bad, 'm'), std::nullopt) << bad;
  }
}

TEST(Duration, EndsBelowTwoToThe31Seconds) {
  EXPECT_EQ(parse_duration("2147483647", 's'), seconds(2147483647));
  EXPECT_EQ(parse_duration("-2147483647s", 'd'), seconds(-2147483647));
  for (const std::string_view bad :
       {"2147483648", "2147483647s1s", "24856d", "99999999999999999999999999s", "596523h596523h", "1d2147483647"}) {
    EXPECT_EQ(parse_duration(bad, 's'), std::nullopt) << bad;
  }
}

/// The shortest text of a duration in the units d, h, m, s.
std::string render(std::int64_t total) {
  std::string out = total < 0 ? "-" : "";
  std::int64_t rest = total < 0 ? -total : total;
  for (const auto& [unit, size] : {std::pair{'d', 86400}, std::pair{'h', 3600}, std::pair{'m', 60}}) {
    if (rest >= size) out += std::to_string(rest / size) + unit;
    rest %= size;
  }
  return out + std::to_string(rest) + "s";
}

RC_GTEST_PROP(Duration, ReadsBackWhatWasRendered, ()) {
  const auto total = *rc::gen::inRange<std::int64_t>(-2147483647, 2147483648);
  RC_ASSERT(parse_duration(render(total), 'm') == seconds(total));
}

RC_GTEST_PROP(Duration, NeverLeavesItsRangeWhateverTheText, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::element('0', '1', '9', 'd', 'h', 'm', 's', '-', 'x'));
  const auto duration = parse_duration(text, 'd');
  const bool in_range = !duration || std::abs(duration->count()) <= 2147483647;
  RC_ASSERT(in_range);
}

TEST(ByteSize, CountsInPowersOf1024) {
  EXPECT_EQ(parse_byte_size("10", 'B', false), 10);
  EXPECT_EQ(parse_byte_size("10K", 'B', false), 10240);
  EXPECT_EQ(parse_byte_size("10 MiB", 'B', false), 10485760);
  EXPECT_EQ(parse_byte_size("2g", 'K', false), 2147483648);
  EXPECT_EQ(parse_byte_size("1kb", 'B', false), 1024);
  EXPECT_EQ(parse_byte_size("1Ki", 'B', false), 1024);
}

TEST(ByteSize, TakesTheUnitOfTheOptionForABareNumberOnly) {
  EXPECT_EQ(parse_byte_size("3", 'K', false), 3072);
  EXPECT_EQ(parse_byte_size("3B", 'K', false), 3);
  EXPECT_EQ(parse_byte_size("3M", 'K', false), 3 << 20);
}

TEST(ByteSize, MayBeNegativeOnlyWhereNegativeMeansSomething) {
  EXPECT_EQ(parse_byte_size("-1", 'K', true), -1024);
  EXPECT_EQ(parse_byte_size("-1", 'K', false), std::nullopt);
}

TEST(ByteSize, RefusesWhatItCannotRead) {
  for (const std::string_view bad : {"", "K", "10i", "10iB", "10KK", "10T", "10 K x", "--1", "0x10", "1.5K", "+1"}) {
    EXPECT_EQ(parse_byte_size(bad, 'B', true), std::nullopt) << bad;
  }
}

TEST(ByteSize, DoesNotOverflow) {
  EXPECT_EQ(parse_byte_size("4294967295G", 'B', false), std::int64_t{4294967295} << 30);
  for (const std::string_view bad : {"8589934592G", "9007199254740992K", "99999999999999999999", "-8589934592G"}) {
    EXPECT_EQ(parse_byte_size(bad, 'B', true), std::nullopt) << bad;
  }
}

TEST(Enumeration, KnowsOtherSpellingsOfOnAndOffInLowerCase) {
  for (const std::string_view on : {"1", "yes", "t", "true", "on"}) EXPECT_EQ(config::enumeration_word(on), "on");
  for (const std::string_view off : {"0", "no", "f", "false", "off"}) EXPECT_EQ(config::enumeration_word(off), "off");
  for (const std::string_view other : {"YES", "y", "userid", "off "}) EXPECT_EQ(config::enumeration_word(other), other);
}

TEST(Words, AreThePiecesBetweenWhiteSpace) {
  EXPECT_EQ(config::split_words(" a\t bc  d "), (std::vector<std::string_view>{"a", "bc", "d"}));
  EXPECT_TRUE(config::split_words(" \t").empty());
}

TEST(Shown, IsPrintableQuotedAndShort) {
  EXPECT_EQ(config::shown("a\nb"), "'a\\x0ab'");
  EXPECT_LT(config::shown(std::string(5000, 'x')).size(), 100U);
}

}  // namespace

#include "mime/date.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

namespace mime {
namespace {

constexpr std::int64_t kNoon = 1'793'620'800;  // 2 November 2026, 12:00 UTC

std::int64_t at(std::string_view text) { return parse_date_time(text).value_or(-1); }

TEST(Date, IsReadInEveryFormThatMailHas) {  // RFC 5322 s3.3, s4.3
  EXPECT_EQ(at("Mon, 2 Nov 2026 12:00:00 +0000"), kNoon);
  EXPECT_EQ(at("2 Nov 2026 12:00 +0000"), kNoon);
  EXPECT_EQ(at(" 02\r\n\tnov 26 12:00:00 GMT (a comment)"), kNoon);
  EXPECT_EQ(at("2-Nov-2026 12.00.00 UT"), kNoon);
  EXPECT_EQ(at("Mon,2 NOV 2026 12:0:0"), kNoon);
  EXPECT_EQ(at("1 Jan 70 0:0"), 0);
  EXPECT_EQ(at("29 Feb 2024 00:00:00 +0000"), 1'709'164'800);
}

TEST(Date, KnowsItsZone) {
  EXPECT_EQ(at("Mon, 2 Nov 2026 12:00:00 -0800"), kNoon + 8 * 3600);
  EXPECT_EQ(at("Mon, 2 Nov 2026 12:00:00 +0530"), kNoon - 5 * 3600 - 1800);
  EXPECT_EQ(at("Mon, 2 Nov 2026 12:00:00 EST"), kNoon + 5 * 3600);
  EXPECT_EQ(at("Mon, 2 Nov 2026 12:00:00 pdt"), kNoon + 7 * 3600);
  EXPECT_EQ(at("Mon, 2 Nov 2026 12:00:00 A"), kNoon - 3600);
  EXPECT_EQ(at("Mon, 2 Nov 2026 12:00:00 Y"), kNoon + 12 * 3600);
  EXPECT_EQ(at("Mon, 2 Nov 2026 12:00:00 XYZ"), kNoon);
}

TEST(Date, OutOfRangeNumbersCountOn) {
  EXPECT_EQ(at("1 Nov 2026 36:00:00 +0000"), kNoon);
  EXPECT_EQ(at("33 Oct 2026 12:00:00 +0000"), kNoon);
  EXPECT_EQ(at("2 Nov 2026 11:59:60 +0000"), kNoon);
}

TEST(Date, RefusesWhatIsNone) {
  for (const char* text :
       {"", " ", "yesterday", "Mon 2 Nov 2026 12:00:00", "Monday, 2 Nov 2026 12:00:00", "2 Foo 2026 12:00:00",
        "2 June 2026 12:00:00", "x Nov 2026 12:00:00", "123 Nov 2026 12:00:00", "2 Nov 199 12:00:00", "2 Nov 2026",
        "2 Nov 2026 12", "2 Nov 2026 12:", "2 Nov 1969 12:00:00", "2 Nov 99999999999999999999 12:00:00"}) {
    EXPECT_EQ(parse_date_time(text), std::nullopt) << text;
  }
}

TEST(Date, TheDayIsThatWhichIsWritten) {
  EXPECT_EQ(parse_day("Mon, 2 Nov 2026 23:30:00 -0800"), (CalendarDay{2026, 11, 2}));
  EXPECT_EQ(parse_day("2 Nov 2026"), (CalendarDay{2026, 11, 2}));
  EXPECT_EQ(parse_day("2 Nov 2026 nonsense"), (CalendarDay{2026, 11, 2}));
  EXPECT_EQ(parse_day("2 Nov 1899"), std::nullopt);
}

RC_GTEST_PROP(Date, IsWhatTheCLibraryWroteDown, ()) {
  const auto moment = static_cast<std::time_t>(*rc::gen::inRange<std::int64_t>(0, 253'402'300'799));
  std::tm parts{};
  RC_ASSERT(gmtime_r(&moment, &parts) != nullptr);
  char text[64];
  RC_ASSERT(std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &parts) > 0);
  RC_ASSERT(parse_date_time(text) == std::optional<std::int64_t>(moment));
  RC_ASSERT(parse_day(text) ==
            std::optional<CalendarDay>(CalendarDay{parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday}));
}

}  // namespace
}  // namespace mime

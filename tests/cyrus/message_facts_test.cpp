#include "cyrus/message_facts.hpp"

#include "base/local_time.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace cyrus {
namespace {

constexpr std::uint64_t kNow = 1'793'620'800;  // 2 November 2026, 12:00 UTC: that day in most zones

std::uint64_t sentdate_of(const std::string& date) {
  MessageFacts facts;
  describe_text("Date: " + date + "\r\n\r\n", kNow, {}, facts);
  return facts.sentdate.seconds;
}

TEST(MessageFacts, SentdateIsTheMidnightHereOfTheDayAsWritten) {
  EXPECT_EQ(sentdate_of("Sun, 1 Nov 2026 23:30:00 -0800"), base::local_midnight(2026, 11, 1));
}

TEST(MessageFacts, WithoutADayThatAnIndexKnowsItIsThatOfTheDelivery) {
  const std::uint64_t midnight = sentdate_of("soon");
  EXPECT_LE(midnight, kNow);
  EXPECT_GT(midnight + 26 * 3600, kNow);
  EXPECT_EQ(sentdate_of("Fri, 1 Jan 1960 00:00:00 +0000"), midnight);
}

}  // namespace
}  // namespace cyrus

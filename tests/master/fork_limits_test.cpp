#include "master/fork_limits.hpp"

#include <gtest/gtest.h>

namespace master {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const TimePoint kStart = TimePoint{} + std::chrono::hours(1);

TEST(ForkRate, ZeroMeansNoLimit) {
  ForkRate rate(0);
  for (int i = 0; i < 1000; ++i) rate.forked(kStart);
  EXPECT_EQ(rate.allowed(500, kStart), 500);
  EXPECT_EQ(rate.next(kStart), kStart);
}

TEST(ForkRate, OneSecondsWorthMayComeAtOnceAndThenOneByOne) {
  ForkRate rate(2);
  EXPECT_EQ(rate.allowed(8, kStart), 2);
  rate.forked(kStart);
  rate.forked(kStart);
  EXPECT_EQ(rate.allowed(8, kStart), 0);
  EXPECT_EQ(rate.allowed(8, kStart + milliseconds(499)), 0);
  EXPECT_EQ(rate.allowed(8, kStart + milliseconds(501)), 1);
}

TEST(ForkRate, WakingWhenItSaysFindsAForkAllowed) {
  ForkRate rate(3);
  TimePoint now = kStart;
  int forks = 0;
  while (now < kStart + seconds(10)) {
    for (int n = rate.allowed(100, now); n > 0; --n, ++forks) rate.forked(now);
    const TimePoint next = rate.next(now);
    ASSERT_GT(next, now);
    now = next;
    ASSERT_GE(rate.allowed(1, now), 1);
  }
  EXPECT_LE(forks, 33);
  EXPECT_GE(forks, 30);
}

TEST(ForkRate, AQuietHourDoesNotSaveUpForks) {
  ForkRate rate(5);
  rate.forked(kStart);
  EXPECT_EQ(rate.allowed(1000, kStart + std::chrono::hours(1)), 5);
}

TEST(BackOff, PausesGrowToTenSeconds) {
  BackOff back_off;
  TimePoint now = kStart;
  for (const int expected : {1, 2, 4, 8, 10, 10, 10}) {
    const auto pause = back_off.failed(now);
    ASSERT_TRUE(pause.has_value());
    EXPECT_EQ(pause->count(), expected);
    EXPECT_TRUE(back_off.pausing(now + *pause - milliseconds(1)));
    EXPECT_FALSE(back_off.pausing(now + *pause));
    now += *pause;
  }
  EXPECT_EQ(back_off.failures(), 7);
}

TEST(BackOff, SiblingsThatFailDuringAPauseDoNotLengthenIt) {
  BackOff back_off;
  back_off.failed(kStart);
  EXPECT_FALSE(back_off.failed(kStart + milliseconds(10)).has_value());
  EXPECT_EQ(back_off.until(), kStart + seconds(1));
}

TEST(BackOff, TenQuietSecondsAfterThePauseStartTheCountAgain) {
  BackOff back_off;
  back_off.failed(kStart);
  EXPECT_EQ(back_off.failed(kStart + seconds(11)), seconds(2));
  EXPECT_EQ(back_off.failed(kStart + seconds(13) + seconds(10) + milliseconds(1)), seconds(1));
}

TEST(BackOff, AFreshOneDoesNotPause) { EXPECT_FALSE(BackOff{}.pausing(TimePoint::min() + seconds(1))); }

}  // namespace
}  // namespace master

#include "cyrus/poll_limit.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace cyrus {
namespace {

using std::chrono::minutes;

TEST(PollLimit, KeepsLoginsApart) {
  EXPECT_TRUE(is_too_soon(1000, 1000, minutes(10)));
  EXPECT_TRUE(is_too_soon(1000, 1599, minutes(10)));
  EXPECT_FALSE(is_too_soon(1000, 1600, minutes(10)));
  EXPECT_TRUE(is_too_soon(2000, 1000, minutes(10)));  // a clock that was set back
  EXPECT_FALSE(is_too_soon(0, 1, minutes(10)));       // never before
  EXPECT_FALSE(is_too_soon(1000, 1000, minutes(0)));
  EXPECT_FALSE(is_too_soon(1000, 1000, minutes(-5)));
}

struct Row {
  std::uint64_t last;
  std::uint64_t login;
  int min_poll;  // minutes
  int padding;
  std::uint64_t stored;
};

TEST(PollLimit, StoresTheTimeThatCounts) {
  const Row rows[] = {
      {0, 5000, 0, 1, 5000},       // not limited
      {0, 5000, 0, 5, 5000},       // padding alone means nothing
      {1000, 5000, 10, 1, 5000},   // no padding: the time of the login
      {1000, 5000, 10, 0, 5000},   //
      {1000, 5000, 10, -3, 5000},  //
      {1000, 5000, 10, 3, 3800},   // long ago: as if all but one of 3 intervals were saved up
      {3200, 5000, 10, 3, 3800},   // exactly at the floor
      {3201, 5000, 10, 3, 3801},   // behind it: one interval more than before
      {4400, 5000, 10, 3, 5000},   // the last one that was saved up
      {0, 100, 10, 3, 600},        // times near 1970 do not wrap
      {7000, 5000, 10, 3, 7600},   // a clock that was set back
  };
  for (const Row& row : rows) {
    EXPECT_EQ(next_last_login(row.last, row.login, minutes(row.min_poll), row.padding), row.stored)
        << row.last << ' ' << row.login << ' ' << row.min_poll << ' ' << row.padding;
  }
}

TEST(PollLimit, LetsPaddingLoginsComeInARow) {
  std::uint64_t last = 0;
  const std::uint64_t now = 1'795'000'000;
  int logins = 0;
  for (; !is_too_soon(last, now, minutes(10)); ++logins) last = next_last_login(last, now, minutes(10), 4);
  EXPECT_EQ(logins, 4);
}

TEST(PollLimit, SurvivesAbsurdSettings) {
  const auto longest = std::chrono::seconds(std::numeric_limits<std::int64_t>::max());
  EXPECT_TRUE(is_too_soon(1, 1'795'000'000, longest));
  EXPECT_GT(next_last_login(1, 1'795'000'000, longest, std::numeric_limits<int>::max()), 0u);
}

}  // namespace
}  // namespace cyrus

#include "server/crowd.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace server {
namespace {

using Refusal = Crowd::Refusal;

std::optional<net::IpAddress> household(std::string_view text) { return net::IpAddress::parse(text)->household(); }

TEST(Crowd, LimitsEachHouseholdAndSaysSoOnce) {
  Crowd crowd;
  const Crowd::Limits limits{.per_household = 2, .in_all = 0};
  std::vector<Crowd::Place> places;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(crowd.look(household("2001:db8::1"), limits), Refusal::none);
    places.push_back(crowd.enter(household("2001:db8::1")));
  }
  EXPECT_EQ(crowd.look(household("2001:db8::2"), limits), Refusal::household);
  EXPECT_EQ(crowd.look(household("2001:db8::ffff:0:0:3"), limits), Refusal::household_again);
  EXPECT_EQ(crowd.look(household("2001:db8:0:1::1"), limits), Refusal::none);
  EXPECT_EQ(crowd.look(household("192.0.2.1"), limits), Refusal::none);
  EXPECT_EQ(crowd.look(std::nullopt, limits), Refusal::none);
  places.pop_back();
  EXPECT_EQ(crowd.look(household("2001:db8::2"), limits), Refusal::none);
}

TEST(Crowd, LimitsAllTogether) {
  Crowd crowd;
  const Crowd::Limits limits{.per_household = 0, .in_all = 2};
  auto one = crowd.enter(household("192.0.2.1"));
  auto two = crowd.enter(std::nullopt);
  EXPECT_EQ(crowd.look(household("192.0.2.2"), limits), Refusal::in_all);
  EXPECT_EQ(crowd.look(std::nullopt, limits), Refusal::in_all);
  one.leave();
  EXPECT_EQ(crowd.look(household("192.0.2.2"), limits), Refusal::none);
}

TEST(Crowd, ForgetsWhoHasLeftAndCountsALeaverOnce) {
  Crowd crowd;
  {
    auto place = crowd.enter(household("192.0.2.1"));
    const Crowd::Place moved = std::move(place);
    place.leave();  // NOLINT(bugprone-use-after-move): an empty place may leave
    EXPECT_EQ(crowd.size(), 1U);
  }
  auto place = crowd.enter(household("192.0.2.1"));
  place.leave();
  place.leave();
  EXPECT_EQ(crowd.size(), 0U);
  EXPECT_EQ(crowd.households(), 0U);
}

}  // namespace
}  // namespace server

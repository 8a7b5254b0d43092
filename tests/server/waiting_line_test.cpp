#include "server/waiting_line.hpp"

#include <gtest/gtest.h>

namespace server {
namespace {

using namespace std::chrono_literals;

class WaitingLineTest : public ::testing::Test {
 protected:
  net::Clock::time_point at(std::chrono::milliseconds time) const { return start_ + time; }

  WaitingLine line_{1s};

 private:
  net::Clock::time_point start_ = net::Clock::now();
};

TEST_F(WaitingLineTest, AnEmptyLineNeedsNobody) {
  line_.look(0, at(0ms));
  EXPECT_FALSE(line_.nobody_comes(at(10s)));
}

TEST_F(WaitingLineTest, TheFirstHasToWaitForTheWholePatience) {
  line_.look(1, at(0ms));
  EXPECT_FALSE(line_.nobody_comes(at(999ms)));
  EXPECT_TRUE(line_.nobody_comes(at(1000ms)));
}

TEST_F(WaitingLineTest, EachIsJudgedByItsOwnTime) {
  line_.look(1, at(0ms));
  line_.look(2, at(500ms));
  ASSERT_TRUE(line_.nobody_comes(at(1000ms)));
  line_.took_first();
  line_.look(1, at(1000ms));
  EXPECT_FALSE(line_.nobody_comes(at(1400ms)));
  EXPECT_TRUE(line_.nobody_comes(at(1500ms)));
}

TEST_F(WaitingLineTest, ALineThatSomebodyServesGetsNewPatience) {
  line_.look(5, at(0ms));
  line_.look(4, at(900ms));
  EXPECT_FALSE(line_.nobody_comes(at(1800ms)));
  EXPECT_TRUE(line_.nobody_comes(at(1900ms)));
}

TEST_F(WaitingLineTest, AGrowingLineShowsNobody) {
  line_.look(1, at(0ms));
  line_.look(3, at(300ms));
  line_.look(9, at(900ms));
  EXPECT_TRUE(line_.nobody_comes(at(1000ms)));
}

TEST_F(WaitingLineTest, ClearedItKnowsNobody) {
  line_.look(3, at(0ms));
  line_.clear();
  line_.took_first();
  EXPECT_FALSE(line_.nobody_comes(at(2s)));
  line_.look(3, at(2s));
  EXPECT_FALSE(line_.nobody_comes(at(2900ms)));
}

}  // namespace
}  // namespace server

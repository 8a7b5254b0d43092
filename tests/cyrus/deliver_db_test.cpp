#include "cyrus/deliver_db.hpp"

#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace cyrus {
namespace {

class DeliverDbTest : public testing::Test {
 protected:
  DeliverDbTest() {
    config_.duplicate_suppression = true;
    config_.deliver_backend = "twoskip";
    config_.deliver_db = directory_.path() / "deliver.db";
  }
  static DeliveryMark mark(const std::string& id) { return {'<' + id + "@test>", "uniqueid", "today"}; }

  support::TempDirectory directory_;
  StoreConfig config_;
};

TEST_F(DeliverDbTest, KnowsWhatWasAdded) {
  DeliverDb database(config_);
  EXPECT_FALSE(database.has(mark("1")).value());
  ASSERT_TRUE(database.add(mark("1"), 1000, 7));
  EXPECT_TRUE(database.has(mark("1")).value());
  EXPECT_FALSE(database.has(mark("2")).value());
  EXPECT_TRUE(DeliverDb(config_).has(mark("1")).value());
}

TEST_F(DeliverDbTest, KnowsNothingWithoutTheFileItCouldKeep) {
  EXPECT_TRUE(DeliverDb(config_).is_kept());
  config_.deliver_backend = "skiplist";
  EXPECT_FALSE(DeliverDb(config_).is_kept());
  config_.deliver_backend = "twoskip";
  config_.duplicate_suppression = false;
  EXPECT_FALSE(DeliverDb(config_).is_kept());
}

TEST_F(DeliverDbTest, TakesMarksOfManyThreadsAndEachIsThereWhenItsThreadIsAnswered) {
  DeliverDb database(config_);
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const auto one = mark(std::to_string(t) + '.' + std::to_string(i));
        const bool before = database.has(one).value_or(true);
        const bool added = database.add(one, 1000, 1).has_value();
        right += !before && added && database.has(one).value_or(false);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 160);
}

TEST_F(DeliverDbTest, TellsEveryThreadThatItCannotBeWritten) {
  config_.deliver_db = directory_.path() / "missing" / "deliver.db";
  DeliverDb database(config_);
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] { failed += !database.add(mark(std::to_string(t)), 1000, 1); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 4);
}

}  // namespace
}  // namespace cyrus

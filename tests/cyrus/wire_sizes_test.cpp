#include "cyrus/wire_sizes.hpp"

#include "support/temp_directory.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fstream>
#include <string>
#include <vector>

namespace cyrus {
namespace {

using maildrop::Entry;
using maildrop::Uid;

std::vector<Entry> entries_of(const std::vector<std::uint32_t>& uids) {
  std::vector<Entry> out;
  for (const std::uint32_t uid : uids) out.emplace_back(Uid{uid}, 100);
  return out;
}

/// Says that messages with an odd uid grow by their uid, and notes who was asked.
struct Measurer {
  std::vector<std::uint32_t> asked;

  MeasureMessage function() {
    return [this](const Entry& entry) -> base::Result<std::uint64_t> {
      asked.push_back(value(entry.uid));
      return entry.octets + (value(entry.uid) % 2 == 1 ? value(entry.uid) : 0U);
    };
  }
};

TEST(WireSizes, EachMessageIsMeasuredOnceInItsLife) {
  WireSizes sizes;
  Measurer measurer;
  EXPECT_TRUE(measure_new_messages(entries_of({2, 3, 7}), sizes, {}, measurer.function()));
  EXPECT_EQ(measurer.asked, (std::vector<std::uint32_t>{2, 3, 7}));
  EXPECT_FALSE(measure_new_messages(entries_of({2, 3, 7}), sizes, {}, measurer.function()));
  EXPECT_TRUE(measure_new_messages(entries_of({3, 7, 8, 9}), sizes, {}, measurer.function()));
  EXPECT_EQ(measurer.asked, (std::vector<std::uint32_t>{2, 3, 7, 8, 9}));
  EXPECT_EQ(sizes.first, 2U);
  EXPECT_EQ(sizes.last, 9U);
  EXPECT_EQ(sizes.surplus, (std::vector<Surplus>{{Uid{3}, 3}, {Uid{7}, 7}, {Uid{9}, 9}}));
}

TEST(WireSizes, ALargeMailboxBeginsWithItsNewestMessages) {
  std::vector<std::uint32_t> uids;
  for (std::uint32_t uid = 1; uid <= 1000; ++uid) uids.push_back(uid);
  WireSizes sizes;
  Measurer measurer;
  MeasureBudget budget;
  budget.messages = 10;
  EXPECT_TRUE(measure_new_messages(entries_of(uids), sizes, budget, measurer.function()));
  EXPECT_EQ(sizes.first, 991U);
  EXPECT_EQ(sizes.last, 1000U);
  EXPECT_EQ(measurer.asked.size(), 10U);
}

TEST(WireSizes, TheBudgetOfOctetsEndsALogin) {
  WireSizes sizes;
  Measurer measurer;
  MeasureBudget budget;
  budget.octets = 150;  // entries have 100 each
  EXPECT_TRUE(measure_new_messages(entries_of({1, 2, 3, 4}), sizes, budget, measurer.function()));
  EXPECT_EQ(sizes.last, 2U);
  EXPECT_TRUE(measure_new_messages(entries_of({1, 2, 3, 4}), sizes, budget, measurer.function()));
  EXPECT_EQ(sizes.last, 4U);
}

TEST(WireSizes, AFailingDiskIsAskedAgainAndADamagedMessageIsNot) {
  WireSizes sizes;
  base::Errc code = base::Errc::io;
  const MeasureMessage failing = [&](const Entry&) -> base::Result<std::uint64_t> { return base::fail(code, "x"); };
  EXPECT_FALSE(measure_new_messages(entries_of({1, 2}), sizes, {}, failing));
  EXPECT_EQ(sizes.last, 0U);
  code = base::Errc::corrupt;
  EXPECT_TRUE(measure_new_messages(entries_of({1, 2}), sizes, {}, failing));
  EXPECT_EQ(sizes.last, 2U);
  EXPECT_TRUE(sizes.surplus.empty());
}

TEST(WireSizes, OnlyListedMessagesGrow) {
  WireSizes sizes;
  sizes.surplus = {{Uid{1}, 5}, {Uid{4}, 7}, {Uid{9}, 2}};
  auto entries = entries_of({2, 4, 5});
  EXPECT_EQ(add_surplus(entries, sizes), (std::vector<Surplus>{{Uid{4}, 7}}));
  EXPECT_EQ(entries[0].octets, 100U);
  EXPECT_EQ(entries[1].octets, 107U);
  EXPECT_EQ(entries[2].octets, 100U);
}

TEST(WireSizes, WhatIsSavedIsLoaded) {
  const support::TempDirectory folder;
  const auto file = wire_sizes_path(folder.path(), "abc123");
  WireSizes sizes;
  sizes.uidvalidity = 77;
  sizes.first = 3;
  sizes.last = 4000000000U;
  sizes.surplus = {{Uid{3}, 1}, {Uid{4000000000U}, std::uint64_t{1} << 40}};
  ASSERT_TRUE(save_wire_sizes(file, sizes));
  EXPECT_EQ(load_wire_sizes(file, 77), sizes);
  sizes.last = 9;
  ASSERT_TRUE(save_wire_sizes(file, sizes));  // replaces, and leaves nothing beside it
  EXPECT_EQ(load_wire_sizes(file, 77), sizes);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(file.parent_path()), {}), 1);
}

TEST(WireSizes, ADamagedFileOrAnotherMailboxMeansThatNothingIsKnown) {
  const support::TempDirectory folder;
  const auto file = wire_sizes_path(folder.path(), "abc123");
  WireSizes sizes;
  sizes.uidvalidity = 77;
  sizes.last = 9;
  sizes.surplus = {{Uid{3}, 1}};
  ASSERT_TRUE(save_wire_sizes(file, sizes));
  EXPECT_EQ(load_wire_sizes(file, 78).last, 0U);
  EXPECT_EQ(load_wire_sizes(folder.path() / "none", 77).last, 0U);

  const auto good = [&] {
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bad;
    EXPECT_EQ(load_wire_sizes(file, 77).last, 0U) << at;
    std::ofstream(file, std::ios::binary | std::ios::trunc) << good.substr(0, at);
    EXPECT_EQ(load_wire_sizes(file, 77).last, 0U) << at;
  }
}

}  // namespace
}  // namespace cyrus

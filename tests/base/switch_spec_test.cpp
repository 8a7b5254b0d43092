#include "base/switch_spec.hpp"

#include <gtest/gtest.h>

#include <array>

namespace base {
namespace {

constexpr std::array kTable{SwitchSpec{'C', "file", "Read it. The default is another."}, SwitchSpec{'s', "", "Begin."}};

TEST(SwitchSpec, UsageNamesEachOptionAndItsValue) { EXPECT_EQ(usage_line("p", kTable), "usage: p [-C file] [-s]"); }

TEST(SwitchSpec, TheLongUsageHasTheFirstSentenceOfEach) {
  EXPECT_EQ(usage_text("p", kTable), "usage: p [-C file] [-s]\n  -C file  Read it\n  -s       Begin\n");
}

TEST(SwitchSpec, FindsARowByItsLetter) {
  EXPECT_EQ(find_switch(kTable, 's'), &kTable[1]);
  EXPECT_EQ(find_switch(kTable, 'S'), nullptr);
}

}  // namespace
}  // namespace base

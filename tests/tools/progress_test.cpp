#include "tools/pillarbox/progress.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tools {
namespace {

using std::chrono::milliseconds;

TEST(ProgressLine, ShowsPartAndTimeLeft) {
  EXPECT_EQ(progress_line("import", 50, 200, milliseconds(10'000), 60),
            "import  25% [######                     ] 50/200  0:30 left");
  EXPECT_EQ(progress_line("import", 200, 200, milliseconds(10'000), 40), "import 100% [#################] 200/200");
}

TEST(ProgressLine, WithoutATotalCounts) { EXPECT_EQ(progress_line("import", 50, 0, milliseconds(1), 80), "import 50"); }

RC_GTEST_PROP(ProgressLine, NeverFillsTheTerminal, ()) {
  const auto columns = *rc::gen::inRange<std::size_t>(0, 200);
  const auto done = *rc::gen::arbitrary<std::uint64_t>();
  const auto total = *rc::gen::arbitrary<std::uint64_t>();
  const auto elapsed = milliseconds(*rc::gen::inRange<std::int64_t>(0, 1'000'000'000));
  const std::string line = progress_line("check", done, total, elapsed, columns);
  RC_ASSERT(line.size() < std::max<std::size_t>(columns, 1));
  RC_ASSERT(line.find('\n') == std::string::npos);
}

}  // namespace
}  // namespace tools

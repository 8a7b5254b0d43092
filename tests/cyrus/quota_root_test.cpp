#include "cyrus/quota_root.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace cyrus {
namespace {

using base::Errc;

TEST(QuotaRoot, IsReadInEitherForm) {
  const auto list = parse_quota_root("%(S (1901 10240) M (4 100) AS (5) NF (2) MODSEQ 9)\n", "user.ann");
  ASSERT_TRUE(list) << list.error().text;
  EXPECT_EQ(list->limits, (QuotaLimits{10240, 100}));
  EXPECT_EQ(list->usage, (QuotaUsage{1901, 4, 5, 2}));
  const auto words = parse_quota_root("1901\n10240 M 4 -1\n", "user.ann");
  ASSERT_TRUE(words) << words.error().text;
  EXPECT_EQ(words->limits, (QuotaLimits{10240, std::nullopt}));
  EXPECT_EQ(words->usage, (QuotaUsage{1901, 4, 0, 0}));
  for (const char* text : {"", "x", "%(S (a 1))", "%(S ())", "(S 1)", "12"}) {
    const auto damaged = parse_quota_root(text, "user.ann");
    ASSERT_FALSE(damaged) << text;
    EXPECT_EQ(damaged.error().code, Errc::corrupt);
  }
}

TEST(QuotaRoot, LimitsChangeAndNothingElse) {
  const auto changed = [](std::string_view text, const QuotaLimits& limits) {
    const auto after = change_quota_limits(text, limits, "root");
    return after ? *after : after.error().text;
  };
  EXPECT_EQ(changed("%(S (7 10) M (4) AS (0) NF (2) MODSEQ 9 X y)\n", {20, 5}),
            "%(S (7 20) M (4 5) AS (0) NF (2) MODSEQ 10 X y)\n");
  EXPECT_EQ(changed("%(S (7 10) M (4 5) AS (0) NF (2) MODSEQ 9)\n", {}), "%(S (7) M (4) AS (0) NF (2) MODSEQ 10)\n");
  EXPECT_EQ(changed("%(S 7)", {1, 2}), "%(S (7 1) M (0 2))\n");
  EXPECT_EQ(changed("%(S NIL M 3)", {1, {}}), "%(S (0 1) M (3))\n");
  EXPECT_EQ(change_quota_limits("7 10", {}, "root").error().code, Errc::unsupported);
  EXPECT_EQ(change_quota_limits("%(S", {}, "root").error().code, Errc::corrupt);
}

TEST(QuotaRoot, ANewOneIsThatOfCyrus) {
  EXPECT_EQ(new_quota_text({2000, std::nullopt}), "%(S (0 2000) M (0) AS (0) NF (0) MODSEQ 1)\n");
}

RC_GTEST_PROP(QuotaRootProperty, NeverCrashesOnAnyText, (const std::string& text, bool list)) {
  static_cast<void>(parse_quota_root((list ? "%(S " : "") + text, "user.ann"));
  static_cast<void>(change_quota_limits((list ? "%(S " : "") + text, {1, 2}, "root"));
}

}  // namespace
}  // namespace cyrus

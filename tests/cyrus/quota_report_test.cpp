#include "cyrus/quota_report.hpp"

#include <gtest/gtest.h>

#include <string>

namespace cyrus {
namespace {

std::string shown(const QuotaResource& resource) {
  return std::to_string(resource.used) + (resource.limit ? "/" + std::to_string(*resource.limit) : "");
}

std::string shown(std::string_view text) {
  const auto report = parse_quota_report(text, "quota");
  if (!report) return "refused";
  return "S " + shown(report->storage) + (report->counts_messages ? " M " + shown(report->messages) : "") +
         (report->counts_annotations ? " AS " + shown(report->annotations) : "") +
         (report->counts_folders ? " NF " + shown(report->folders) : "");
}

TEST(QuotaReport, ReadsTheListOfNewerReleases) {
  EXPECT_EQ(shown("%(S (1901 10240) M (4 100) AS (0) NF (2) MODSEQ 9)\n"), "S 1901/10240 M 4/100 AS 0 NF 2");
  EXPECT_EQ(shown("%(S (-5 -1))"), "S 0");
}

TEST(QuotaReport, ReadsTheWordsOfOlderReleases) {
  EXPECT_EQ(shown("1901 10240\n"), "S 1901/10240");
  EXPECT_EQ(shown("1901\n-1\n"), "S 1901");
  EXPECT_EQ(shown("1901 -1 M 4 100 AS 7 -1"), "S 1901 M 4/100 AS 7");
}

TEST(QuotaReport, RefusesWhatIsNeither) {
  for (const char* text :
       {"", "1", "x y", "1 2 M", "1 2 M 3", "%(S x)", "%(S ())", "%(S (1 2 3))", "(S (1))", "%(S (1"}) {
    EXPECT_EQ(shown(text), "refused") << text;
  }
}

}  // namespace
}  // namespace cyrus

#include "cyrus/quota_file.hpp"

#include "base/file_io.hpp"
#include "base/run_apart.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;

std::string add(std::string_view text, const QuotaUsage& change, std::string_view intname = "user.ann") {
  const auto after = add_quota_usage(text, change, intname, "quota");
  return after ? *after : "error " + std::string(base::name(after.error().code));
}

struct Row {
  const char* before;
  QuotaUsage change;
  const char* after;
};

TEST(QuotaText, IsChangedInTheFormThatItHas) {
  const Row rows[] = {
      {"%(S (1901 10240) M (4 100) AS (0) NF (2) MODSEQ 9)\n",
       {-437, -1, 0},
       "%(S (1464 10240) M (3 100) AS (0) NF (2) MODSEQ 10)\n"},
      {"%(S (1901) M (4) AS (12 5) NF (2) MODSEQ 9)", {99, 1, -2}, "%(S (2000) M (5) AS (10 5) NF (2) MODSEQ 10)\n"},
      {"%(S (10) M (1) AS (3) NF (1) MODSEQ 1)\n", {-11, -2, -4}, "%(S (0) M (0) AS (0) NF (1) MODSEQ 2)\n"},
      {"%(S (10) M (1))\n", {-1, -1, -4}, "%(S (9) M (0))\n"},
      {"%(S (10) FUTURE %(A (x \"y z\")) M (1) MODSEQ 1)\n",
       {-1, 0, 0},
       "%(S (9) FUTURE %(A (x \"y z\")) M (1) MODSEQ 2)\n"},
      {"1901 10240\n", {-437, -1, 0}, "1464 10240\n"},
      {"1901\n-1\n", {-437, -1, 0}, "1464\n-1\n"},
      {"1901 10240 M 4 100 AS 7 -1 X-NUM 3 9\n", {-437, -1, -2}, "1464 10240 M 3 100 AS 5 -1 X-NUM 3 9\n"},
      {"-5 10240\n", {-437, -1, 0}, "0 10240\n"},
      {"", {-1, 0, 0}, "error corrupt"},
      {"12", {-1, 0, 0}, "error corrupt"},
      {"many 10240", {-1, 0, 0}, "error corrupt"},
      {"%(S (x) M (1))", {-1, 0, 0}, "error corrupt"},
      {"%(S %(A B))", {-1, 0, 0}, "error corrupt"},
      {"%(S (1) MODSEQ -)", {-1, 0, 0}, "error corrupt"},
      {"%(S (1)", {-1, 0, 0}, "error corrupt"},
      {"(S (1))", {-1, 0, 0}, "error corrupt"},
  };
  for (const Row& row : rows) EXPECT_EQ(add(row.before, row.change), row.after) << row.before;
}

TEST(QuotaText, KeepsACountUnderWayAndChangesWhatItHasSeen) {
  const std::string text = "%(S (100) M (9) AS (0) NF (1) MODSEQ 1 SCAN %(MBOX user.bob S 50 M 5 AS 0 NF 1))\n";
  EXPECT_EQ(add(text, {-10, -1, 0}, "user.ann"),
            "%(S (90) M (8) AS (0) NF (1) MODSEQ 2 SCAN %(MBOX user.bob S 40 M 4 AS 0 NF 1))\n");
  EXPECT_EQ(add(text, {-10, -1, 0}, "user.carl"),
            "%(S (90) M (8) AS (0) NF (1) MODSEQ 2 SCAN %(MBOX user.bob S 50 M 5 AS 0 NF 1))\n");
}

RC_GTEST_PROP(QuotaText, TakesBackWhatItAdded, (std::uint32_t storage, std::uint16_t messages, std::uint32_t used)) {
  const std::string text = std::to_string(used) + " -1 M " + std::to_string(messages) + " 5\n";
  const QuotaUsage more{storage, messages, 0};
  const QuotaUsage less{-more.storage, -more.messages, 0};
  RC_ASSERT(add(add(text, more), less) == text);
}

TEST(QuotaPath, FollowsTheRoot) {
  StoreConfig config;
  config.config_directory = "/c";
  config.quota_db = "/c/quota";
  const auto path = [&config](const char* root) {
    const auto found = quota_file_path(root, config);
    return found ? found->native() : std::string(base::name(found.error().code));
  };
  EXPECT_EQ(path("user.alice"), "/c/quota/a/user.alice");
  EXPECT_EQ(path("user.al^dot"), "/c/quota/a/user.al^dot");
  EXPECT_EQ(path("shared"), "/c/quota/s/shared");
  EXPECT_EQ(path("user.7of9"), "/c/quota/q/user.7of9");
  EXPECT_EQ(path("example.com!user.dom"), "/c/domain/e/example.com/quota/d/user.dom");
  EXPECT_EQ(path("example.com!"), "/c/domain/e/example.com/quota/root");
  EXPECT_EQ(path(""), "invalid");
  EXPECT_EQ(path("user.a/../../x"), "invalid");
  EXPECT_EQ(path("user..x"), "invalid");
  EXPECT_EQ(path("../..!user.x"), "invalid");
  config.full_dir_hash = true;
  EXPECT_EQ(path("user.alice"), "/c/quota/L/user.alice");
}

class QuotaChangeTest : public ::testing::Test {
 protected:
  QuotaChangeTest() { std::ofstream(file_) << kBefore; }

  base::Result<QuotaChange> prepare() {
    return QuotaChange::prepare(file_, {-10, -1, 0}, "user.ann", "quota user.ann");
  }
  base::Result<QuotaChange> apply() {
    auto change = prepare();
    if (!change) return change;
    if (const auto written = change->write(); !written) return tl::unexpected(written.error());
    return change;
  }
  std::string text() const { return base::read_file(file_, 1000).value(); }
  bool has_next() const { return fs::exists(file_.native() + ".NEW"); }

  static constexpr const char* kBefore = "%(S (100 9) M (4) AS (0) NF (1) MODSEQ 3)\n";
  static constexpr const char* kAfter = "%(S (90 9) M (3) AS (0) NF (1) MODSEQ 4)\n";
  support::TempDirectory directory_;
  fs::path file_ = directory_.path() / "user.ann";
};

TEST_F(QuotaChangeTest, ReplacesTheFile) {
  std::ofstream(file_.native() + ".NEW") << "what a crash left there, longer than any quota file of one mailbox";
  const auto change = apply();
  ASSERT_TRUE(change) << change.error().text;
  EXPECT_TRUE(change->has_file());
  EXPECT_EQ(text(), kAfter);
  EXPECT_FALSE(has_next());
}

TEST_F(QuotaChangeTest, CanBeTakenBackToTheByte) {
  auto change = apply();
  ASSERT_TRUE(change);
  ASSERT_TRUE(change->undo());
  EXPECT_EQ(text(), kBefore);
  EXPECT_FALSE(has_next());
}

TEST_F(QuotaChangeTest, KeepsOthersAwayUntilItIsGone) {
  {
    const auto change = apply();
    ASSERT_TRUE(change);
    EXPECT_EQ(apply().error().code, Errc::busy);
    EXPECT_EQ(text(), kAfter);
  }
  EXPECT_TRUE(apply());
}

TEST_F(QuotaChangeTest, WritesNothingWhileItIsPrepared) {
  const auto change = prepare();
  ASSERT_TRUE(change);
  EXPECT_EQ(text(), kBefore);
  EXPECT_EQ(prepare().error().code, Errc::busy);
}

TEST_F(QuotaChangeTest, TakesBackWhatALostProcessWrote) {
  for (const bool others_too : {false, true}) {
    std::ofstream(file_) << kBefore;
    auto change = prepare();
    ASSERT_TRUE(change);
    const auto apart = base::run_apart("quota", [&]() -> base::Result<std::string> {
      if (change->write()) ::kill(::getpid(), SIGKILL);
      return "not reached";
    });
    ASSERT_TRUE(apart.lost);
    EXPECT_EQ(text(), kAfter);
    if (others_too) std::ofstream(file_) << "%(S (91 9) M (5) AS (0) NF (1) MODSEQ 7)\n";
    ASSERT_TRUE(change->undo_of_lost_copy());
    EXPECT_EQ(text(), others_too ? "%(S (101 9) M (6) AS (0) NF (1) MODSEQ 8)\n"
                                 : "%(S (100 9) M (4) AS (0) NF (1) MODSEQ 5)\n");
    EXPECT_FALSE(has_next());
    EXPECT_TRUE(prepare());
  }
}

TEST_F(QuotaChangeTest, LeavesWhatALostProcessDidNotWrite) {
  auto change = prepare();
  ASSERT_TRUE(change);
  std::ofstream(file_.native() + ".NEW") << "half";
  ASSERT_TRUE(change->undo_of_lost_copy());
  EXPECT_EQ(text(), kBefore);
  EXPECT_FALSE(has_next());
}

TEST_F(QuotaChangeTest, DoesNothingWithoutAFile) {
  fs::remove(file_);
  auto change = apply();
  ASSERT_TRUE(change);
  EXPECT_FALSE(change->has_file());
  EXPECT_TRUE(change->undo());
  EXPECT_TRUE(change->undo_of_lost_copy());
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(QuotaChangeTest, LeavesEverythingAsItWasWhenItFails) {
  fs::create_directory(file_.native() + ".NEW");
  EXPECT_FALSE(apply());
  EXPECT_EQ(text(), kBefore);
  fs::remove(file_.native() + ".NEW");
  std::ofstream(file_) << "damaged";
  EXPECT_EQ(apply().error().code, Errc::corrupt);
  EXPECT_EQ(text(), "damaged");
  std::ofstream(file_) << std::string(70'000, ' ');
  EXPECT_EQ(apply().error().code, Errc::corrupt);
  fs::remove(file_);
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_EQ(apply().error().code, Errc::corrupt);
  fs::remove(file_);
  fs::create_symlink("/etc/passwd", file_);
  EXPECT_FALSE(apply());
}

}  // namespace
}  // namespace cyrus

#include "server/penalties.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace server {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr std::int64_t kNow = 1'800'000'000;
constexpr auto kFileOctets = Penalties::kRecordOctets * (1 + Penalties::kBuckets * Penalties::kSlots);

net::IpAddress address(const std::string& text) { return net::IpAddress::parse(text).value(); }

class PenaltiesTest : public ::testing::Test {
 protected:
  PenaltiesTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "penalties-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    file_ = folder_ / "pillarbox" / "penalties";
  }
  ~PenaltiesTest() override { std::filesystem::remove_all(folder_); }

  Penalties penalties(PenaltyRules rules = PenaltyRules()) { return Penalties(file_, rules); }

  void fail(const std::string& ip, int times, std::int64_t now = kNow) {
    auto one = penalties();
    for (int i = 0; i < times; ++i) ASSERT_TRUE(one.count_failure(address(ip), now));
  }
  milliseconds wait_of(const std::string& ip, std::int64_t now = kNow) {
    const auto wait = penalties().wait_of(address(ip), now);
    EXPECT_TRUE(wait) << wait.error().text;
    return wait.value_or(-1ms);
  }

  std::filesystem::path folder_;
  std::filesystem::path file_;
};

TEST(Penalty, BeginsBehindTheFreeFailuresDoublesAndEndsAtTheLongest) {
  EXPECT_EQ(penalty(0, 10, 5s), 0ms);
  EXPECT_EQ(penalty(10, 10, 5s), 0ms);
  EXPECT_EQ(penalty(11, 10, 5s), 500ms);
  EXPECT_EQ(penalty(12, 10, 5s), 1000ms);
  EXPECT_EQ(penalty(14, 10, 5s), 4000ms);
  EXPECT_EQ(penalty(15, 10, 5s), 5000ms);
  EXPECT_EQ(penalty(1e6, 10, 5s), 5000ms);
  EXPECT_EQ(penalty(1e6, 10, 0s), 0ms);
}

TEST_F(PenaltiesTest, AreSharedByAllWhoUseTheFile) {
  fail("192.0.2.1", 12);
  EXPECT_EQ(wait_of("192.0.2.1"), 1000ms);
  EXPECT_EQ(wait_of("192.0.2.2"), 0ms);
}

TEST_F(PenaltiesTest, AreForgivenWithTime) {
  fail("192.0.2.1", 16);
  EXPECT_EQ(wait_of("192.0.2.1"), 5000ms);
  EXPECT_EQ(wait_of("192.0.2.1", kNow + 300), 0ms);
  EXPECT_DOUBLE_EQ((FailureScore{8, kNow}.at_time(kNow + 600)), 2);
}

TEST_F(PenaltiesTest, OfV6AreOfTheHouseholdAndFourTimesLaterOfTheSiteAroundIt) {
  for (int i = 0; i < 12; ++i) fail("2001:db8:1:2::" + std::to_string(i + 1), 1);
  EXPECT_EQ(wait_of("2001:db8:1:2:ffff::"), 1000ms);
  EXPECT_EQ(wait_of("2001:db8:1:3::1"), 0ms);
  for (int i = 0; i < 30; ++i) fail("2001:db8:1:1" + std::to_string(i + 10) + "::", 1);
  EXPECT_EQ(wait_of("2001:db8:1:abcd::1"), 1000ms);
  EXPECT_EQ(wait_of("2001:db8:2::1"), 0ms);
}

TEST_F(PenaltiesTest, AreNotBelievedOfATimeThatHasNotCome) {
  fail("192.0.2.1", 16, kNow + 3600);
  EXPECT_EQ(wait_of("192.0.2.1"), 0ms);
}

TEST_F(PenaltiesTest, KeepTheFileAtOneSizeAndForgetTheLeast) {
  fail("192.0.2.1", 16);
  auto one = penalties();
  for (unsigned i = 0; i < 20'000; ++i) {
    const auto high = static_cast<unsigned char>(i >> 8);
    const unsigned char octets[] = {198, 18, high, static_cast<unsigned char>(i)};
    ASSERT_TRUE(one.count_failure(net::IpAddress::from_v4(octets), kNow));
  }
  EXPECT_EQ(std::filesystem::file_size(file_), kFileOctets);
  EXPECT_EQ(wait_of("192.0.2.1"), 5000ms);
}

TEST_F(PenaltiesTest, ThrowAwayAFileThatHoldsAnythingElse) {
  fail("192.0.2.1", 16);
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, kFileOctets, kFileOctets + 1}) {
    std::ofstream(file_, std::ios::trunc) << std::string(size, 'x');
    EXPECT_EQ(wait_of("192.0.2.1"), 0ms);
    EXPECT_EQ(std::filesystem::file_size(file_), kFileOctets);
    fail("192.0.2.1", 16);
    EXPECT_EQ(wait_of("192.0.2.1"), 5000ms);
  }
}

TEST_F(PenaltiesTest, TakeADamagedRecordForNone) {
  fail("192.0.2.1", 16);
  std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
  std::string octets(kFileOctets, '\0');
  file.read(octets.data(), static_cast<std::streamsize>(octets.size()));
  const auto wanted = address("192.0.2.1").octets();
  const auto at = octets.find(std::string(wanted.begin(), wanted.end()), Penalties::kRecordOctets);
  ASSERT_NE(at, std::string::npos);
  file.seekp(static_cast<std::streamoff>(at) - 5);  // the time
  file.put('x');
  file.close();
  EXPECT_EQ(wait_of("192.0.2.1"), 0ms);
}

TEST_F(PenaltiesTest, UseNeitherALinkNorWhatIsNoFile) {
  std::filesystem::create_directory(file_.parent_path());
  std::filesystem::create_symlink(folder_ / "elsewhere", file_);
  EXPECT_FALSE(penalties().count_failure(address("192.0.2.1"), kNow));
  std::filesystem::remove(file_);
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_FALSE(penalties().count_failure(address("192.0.2.1"), kNow));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "elsewhere"));
}

}  // namespace
}  // namespace server

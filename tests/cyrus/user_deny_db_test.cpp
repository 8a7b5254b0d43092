#include "cyrus/user_deny_db.hpp"

#include "support/twoskip_writer.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace cyrus {
namespace {

class UserDenyDbTest : public ::testing::Test {
 protected:
  UserDenyDbTest() : path_(std::filesystem::temp_directory_path() / ("user-deny-" + std::to_string(::getpid()))) {}
  ~UserDenyDbTest() override { std::filesystem::remove_all(path_); }

  void write(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }

  std::string entry(const std::string& user) const {
    const auto found = UserDenyDb(path_.native()).find(user);
    if (!found) return std::string(base::name(found.error().code));
    return found->value_or("none");
  }

  std::filesystem::path path_;
};

TEST_F(UserDenyDbTest, BlocksNobodyWithoutAFileOrWithAnEmptyOne) {
  EXPECT_EQ(entry("alice"), "none");
  write("");
  EXPECT_EQ(entry("alice"), "none");
}

TEST_F(UserDenyDbTest, ReadsFlatFiles) {
  write("alice\t2\tpop3\tno more\nbob\t1\t*\n");
  EXPECT_EQ(entry("alice"), "2\tpop3\tno more");
  EXPECT_EQ(entry("bob"), "1\t*");
  EXPECT_EQ(entry("al"), "none");
}

TEST_F(UserDenyDbTest, ReadsTwoskipFiles) {
  support::Random random(1);
  write(support::twoskip_bytes({{"alice", "2\tpop3\tno more"}, {"bob", "1\t*"}}, random));
  EXPECT_EQ(entry("alice"), "2\tpop3\tno more");
  EXPECT_EQ(entry("carol"), "none");
}

TEST_F(UserDenyDbTest, SaysWhatItCannotRead) {
  write("alice 2 pop3\n");
  EXPECT_EQ(entry("alice"), "corrupt");
  write("\xa1\x02\x8b\x0dwhatever is in this file");
  EXPECT_EQ(entry("alice"), "unsupported");
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_NE(entry("alice"), "none");
}

}  // namespace
}  // namespace cyrus

#include "service/environment.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace service {
namespace {

class EnvironmentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::setenv("CYRUS_SERVICE", "pop3", 1), 0);
    ASSERT_EQ(::setenv("CYRUS_ID", "2", 1), 0);
    ASSERT_EQ(::unsetenv("CYRUS_VERBOSE"), 0);
  }
  void TearDown() override {
    for (const char* name : {"CYRUS_SERVICE", "CYRUS_ID", "CYRUS_VERBOSE"}) ASSERT_EQ(::unsetenv(name), 0);
  }
};

TEST_F(EnvironmentTest, NameAndIdComeFromMaster) {
  const auto environment = read_environment();
  ASSERT_TRUE(environment.has_value());
  EXPECT_EQ(environment->name, "pop3");
  EXPECT_EQ(environment->id, 2);
  EXPECT_EQ(environment->verbose, 0);
}

TEST_F(EnvironmentTest, AMissingNameIsReportedInTheOriginalWords) {
  ASSERT_EQ(::unsetenv("CYRUS_SERVICE"), 0);
  const auto environment = read_environment();
  ASSERT_FALSE(environment.has_value());
  EXPECT_EQ(environment.error().code, base::Errc::invalid);
  EXPECT_EQ(environment.error().text, "could not getenv(CYRUS_SERVICE); exiting");
}

TEST_F(EnvironmentTest, AMissingIdIsReportedInTheOriginalWords) {
  ASSERT_EQ(::unsetenv("CYRUS_ID"), 0);
  const auto environment = read_environment();
  ASSERT_FALSE(environment.has_value());
  EXPECT_EQ(environment.error().text, "could not getenv(CYRUS_ID); exiting");
}

TEST_F(EnvironmentTest, AnIdThatIsNoNumberIsRefused) {
  for (const char* id : {"", "x", "1x", " 1", "-1", "99999999999"}) {
    ASSERT_EQ(::setenv("CYRUS_ID", id, 1), 0);
    EXPECT_FALSE(read_environment().has_value()) << id;
  }
}

TEST_F(EnvironmentTest, ANameThatCouldLeaveAFolderIsRefused) {
  for (const char* name : {"", "../x", "a/b", ".", "a\nb"}) {
    ASSERT_EQ(::setenv("CYRUS_SERVICE", name, 1), 0);
    EXPECT_FALSE(read_environment().has_value()) << name;
  }
}

TEST_F(EnvironmentTest, VerboseIsTakenAsItStandsAndNeverStopsAService) {
  ASSERT_EQ(::setenv("CYRUS_VERBOSE", "3", 1), 0);
  EXPECT_EQ(read_environment()->verbose, 3);
  ASSERT_EQ(::setenv("CYRUS_VERBOSE", "loud", 1), 0);
  EXPECT_EQ(read_environment()->verbose, 0);
}

}  // namespace
}  // namespace service

#include "service/privileges.hpp"

#include <gtest/gtest.h>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

namespace service {
namespace {

class Privileges : public ::testing::Test {
 protected:
  void SetUp() override { TearDown(); }
  void TearDown() override {
    ASSERT_EQ(::unsetenv("CYRUS_USER"), 0);
    ASSERT_EQ(::unsetenv("CYRUS_GROUP"), 0);
  }
};

TEST_F(Privileges, TheEnvironmentGoesBeforeTheOption) {
  ASSERT_EQ(::setenv("CYRUS_USER", "nobody", 1), 0);
  const auto identity = find_identity("daemon", std::nullopt);
  ASSERT_TRUE(identity.has_value()) << identity.error().text;
  EXPECT_EQ(identity->user, "nobody");
}

TEST_F(Privileges, TheGroupMayBeAnotherThanThePrimaryOne) {
  const auto plain = find_identity("nobody", std::nullopt);
  const auto other = find_identity("nobody", "mail");
  ASSERT_TRUE(plain.has_value() && other.has_value());
  EXPECT_EQ(plain->uid, other->uid);
  EXPECT_NE(plain->gid, other->gid);
}

TEST_F(Privileges, RootIsNoUserForServices) {
  const auto identity = find_identity("root", std::nullopt);
  ASSERT_FALSE(identity.has_value());
  EXPECT_EQ(identity.error().code, base::Errc::invalid);
}

TEST_F(Privileges, AnUnknownUserOrGroupIsNotFound) {
  EXPECT_EQ(find_identity("no-such-user", std::nullopt).error().code, base::Errc::not_found);
  EXPECT_EQ(find_identity("nobody", "no-such-group").error().code, base::Errc::not_found);
}

TEST_F(Privileges, AfterTheChangeThereIsNoWayBack) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const auto identity = find_identity("nobody", std::nullopt);
  ASSERT_TRUE(identity.has_value());
  const pid_t child = ::fork();
  if (child == 0) {
    if (!become(*identity)) ::_exit(1);
    const bool is_gone = ::getuid() == identity->uid && ::geteuid() == identity->uid && ::getegid() == identity->gid;
    ::_exit(is_gone && ::setuid(0) != 0 && ::setgid(0) != 0 ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace service

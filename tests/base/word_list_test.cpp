#include "base/word_list.hpp"

#include <gtest/gtest.h>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace {

using base::lists_realm;
using base::lists_user;

TEST(WordList, UsersAreListedByTheWholeName) {
  EXPECT_TRUE(lists_user("cyrus admin", "admin", false));
  EXPECT_TRUE(lists_user("  cyrus\tadmin ", "cyrus", false));
  EXPECT_FALSE(lists_user("administrator xadmin", "admin", false));
  EXPECT_FALSE(lists_user("Admin", "admin", false));
  EXPECT_FALSE(lists_user("", "admin", false));
  EXPECT_FALSE(lists_user("  ", "", false));
}

TEST(WordList, AnyoneListsEverybody) { EXPECT_TRUE(lists_user("cyrus anyone", "alice", false)); }

TEST(WordList, GroupsCountWhenTheOptionIsOn) {
  const auto* root = ::getpwuid(0);
  ASSERT_NE(root, nullptr);
  const std::string name = root->pw_name;
  const auto* group = ::getgrgid(root->pw_gid);
  ASSERT_NE(group, nullptr);
  const auto list = std::string{"cyrus group:"} + group->gr_name;
  EXPECT_TRUE(lists_user(list, name, true));
  EXPECT_FALSE(lists_user(list, name, false));
  EXPECT_FALSE(lists_user(list, "no-such-user-here", true));
  EXPECT_FALSE(lists_user("group:no-such-group-here group:", name, true));
}

TEST(WordList, RealmsAreListedInEitherCase) {
  EXPECT_TRUE(lists_realm("example.test Other.Test", "other.test"));
  EXPECT_FALSE(lists_realm("example.test", "test"));
  EXPECT_FALSE(lists_realm("example.test", ""));
}

}  // namespace

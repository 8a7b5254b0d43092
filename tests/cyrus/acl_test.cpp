#include "cyrus/acl.hpp"

#include <gtest/gtest.h>

namespace cyrus {
namespace {

constexpr Rights kAll{true, true, true, true, true};
constexpr Rights kAllOfPop3{true, true, true, false, true};

TEST(Acl, GivesWhatOwnLinesAndThoseOfAnyoneSay) {
  EXPECT_EQ(rights_of("ann", {{"ann", "lrswipkxtecdan"}}, ""), kAll);
  EXPECT_EQ(rights_of("ann", {{"ann", "lr"}, {"anyone", "s"}, {"bob", "t"}}, ""),
            (Rights{true, true, false, false, true}));
  EXPECT_EQ(rights_of("ann", {}, ""), Rights{});
}

TEST(Acl, TakesAwayWhatLinesWithAMinusSay) {
  EXPECT_EQ(rights_of("ann", {{"ann", "lrst"}, {"-ann", "t"}}, ""), (Rights{true, true, false, false, true}));
  EXPECT_EQ(rights_of("ann", {{"-anyone", "r"}, {"ann", "lrst"}}, ""), (Rights{false, true, true, false, true}));
  EXPECT_EQ(rights_of("ann", {{"-bob", "r"}, {"ann", "lrst"}}, ""), kAllOfPop3);
}

TEST(Acl, LetsWhoHasTheRightPost) {
  EXPECT_TRUE(rights_of("anonymous", {{"anyone", "p"}}, "").post);
  EXPECT_TRUE(rights_of("anonymous", {{"anonymous", "lp"}, {"bob", "lr"}}, "").post);
  EXPECT_FALSE(rights_of("anonymous", {{"bob", "p"}, {"anyone", "lrs"}}, "").post);
  EXPECT_FALSE(rights_of("bob", {{"anyone", "p"}, {"-bob", "p"}}, "").post);
}

TEST(Acl, ReadsTheOldLetterForDeletionOnlyInLinesWithoutTheNewOnes) {
  EXPECT_TRUE(rights_of("ann", {{"ann", "lrsd"}}, "").delete_messages);
  EXPECT_FALSE(rights_of("ann", {{"ann", "lrsed"}}, "").delete_messages);
}

TEST(Acl, GivesGroupsNothingAndLetsThemTakeFromEverybody) {
  EXPECT_EQ(rights_of("ann", {{"group:staff", "lrst"}}, ""), Rights{});
  EXPECT_EQ(rights_of("ann", {{"ann", "lrst"}, {"-group:staff", "t"}}, ""), (Rights{true, true, false, false, true}));
}

TEST(Acl, AddsTheRightsThatOwnersHaveAnyhow) {
  EXPECT_EQ(rights_of("ann", {{"anyone", "s"}}, "lkxanr"), (Rights{true, true, false, false, true}));
}

TEST(Acl, RightsAreStoredInCyrussOrder) {
  EXPECT_EQ(stored_rights("pl"), "lp");
  EXPECT_EQ(stored_rights("tk"), "ktcd");
  EXPECT_EQ(stored_rights("dc"), "kxtecd");
  EXPECT_EQ(stored_rights(""), "");
  for (const char* bad : {"p;", "+p", "lrs\t", "L"}) EXPECT_EQ(stored_rights(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace cyrus

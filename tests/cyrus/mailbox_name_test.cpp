#include "cyrus/mailbox_name.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace cyrus {
namespace {

StoreConfig unix_separator() { return {}; }

StoreConfig dot_separator() {
  StoreConfig config;
  config.unix_hierarchy_sep = false;
  return config;
}

std::string intname(std::string_view user, std::string_view folder, const StoreConfig& config) {
  const auto name = MailboxName::of_user(user, folder, config);
  return name ? name->intname() : std::string(base::name(name.error().code));
}

TEST(MailboxName, AnInboxIsBelowUser) {
  EXPECT_EQ(intname("fred", "", unix_separator()), "user.fred");
  const auto name = MailboxName::of_user("fred", "", unix_separator());
  EXPECT_EQ(name->dbname(),
            "user\x1f"
            "fred");
  EXPECT_EQ(name->userid(), "fred");
  EXPECT_EQ(name->domain(), "");
}

TEST(MailboxName, ADotInAUseridIsACaretInTheIntname) {
  const auto name = MailboxName::of_user("al.dot", "Sub.x/Deep", unix_separator());
  ASSERT_TRUE(name);
  EXPECT_EQ(name->intname(), "user.al^dot.Sub^x.Deep");
  EXPECT_EQ(name->dbname(),
            "user\x1f"
            "al.dot\x1fSub.x\x1f"
            "Deep");
  EXPECT_EQ(name->userid(), "al.dot");
  EXPECT_EQ(name->inbox().intname(), "user.al^dot");
}

TEST(MailboxName, TheDomainStandsBeforeAllElse) {
  const auto name = MailboxName::of_user("ann.lee@example.com", "Archive", unix_separator());
  ASSERT_TRUE(name);
  EXPECT_EQ(name->intname(), "example.com!user.ann^lee.Archive");
  EXPECT_EQ(name->dbname(),
            "example.com\x1duser\x1f"
            "ann.lee\x1f"
            "Archive");
  EXPECT_EQ(name->domain(), "example.com");
  EXPECT_EQ(name->userid(), "ann.lee@example.com");
  EXPECT_EQ(name->inbox().intname(), "example.com!user.ann^lee");
}

TEST(MailboxName, TheDefaultDomainIsDropped) {
  StoreConfig config;
  config.default_domain = "example.com";
  EXPECT_EQ(intname("fred@example.com", "", config), "user.fred");
  EXPECT_EQ(intname("fred@example.org", "", config), "example.org!user.fred");
}

TEST(MailboxName, TheLastAtBeginsTheDomain) {
  EXPECT_EQ(intname("a@b@example.com", "", unix_separator()), "example.com!user.a@b");
}

TEST(MailboxName, TheSeparatorOfFoldersIsTheConfiguredOne) {
  EXPECT_EQ(intname("fred", "a.b", dot_separator()), "user.fred.a.b");
  EXPECT_EQ(intname("fred", "a.b", unix_separator()), "user.fred.a^b");
  EXPECT_EQ(intname("fred", "a/b", dot_separator()), "invalid");
}

TEST(MailboxName, ADotInTheLocalPartNeedsTheUnixSeparator) {
  EXPECT_EQ(intname("al.dot", "", dot_separator()), "invalid");
  EXPECT_EQ(intname("al@example.com", "", dot_separator()), "example.com!user.al");
}

TEST(MailboxName, TwoUseridsNeverNameOneMailbox) {
  // "al^dot" would be the intname of "al.dot".
  EXPECT_EQ(intname("al^dot", "", unix_separator()), "invalid");
  EXPECT_EQ(intname("al^dot", "", dot_separator()), "user.al^dot");  // no userid has a dot there
}

TEST(MailboxName, RefusesWhatCouldLeadElsewhere) {
  for (const std::string_view user :
       {std::string_view(""), std::string_view("@example.com"), std::string_view("fred@"), std::string_view("a/b"),
        std::string_view("."), std::string_view(".."), std::string_view("../x"), std::string_view("x\x1fy"),
        std::string_view("x\x1dy"), std::string_view("x\ny"), std::string_view("x\0y", 3), std::string_view("x\x7f"),
        std::string_view("evil!user"), std::string_view("fred@.."), std::string_view("fred@.hidden"),
        std::string_view("fred@a..b"), std::string_view("fred@a/b"), std::string_view("fred@a!b")}) {
    EXPECT_EQ(intname(user, "", unix_separator()), "invalid") << user;
  }
  for (const std::string_view folder : {"/", "a/", "/a", "a//b", "..", "a/../b", ".",
                                        "a\x1f"
                                        "b",
                                        "a!b"}) {
    EXPECT_EQ(intname("fred", folder, unix_separator()), "invalid") << folder;
  }
  for (const std::string_view folder : {".", "a.", ".a", "a..b"}) {
    EXPECT_EQ(intname("fred", folder, dot_separator()), "invalid") << folder;
  }
}

TEST(MailboxName, LengthIsBounded) {
  EXPECT_EQ(intname(std::string(kMaxIntname - 5, 'x'), "", unix_separator()).size(), kMaxIntname);
  EXPECT_EQ(intname(std::string(kMaxIntname - 4, 'x'), "", unix_separator()), "invalid");
}

TEST(MailboxName, SharedAndDeletedMailboxesHaveNoOwner) {
  EXPECT_EQ(MailboxName::from_intname("bulletin.board")->userid(), "");
  EXPECT_EQ(MailboxName::from_intname("user")->userid(), "");
  EXPECT_EQ(MailboxName::from_dbname("DELETED\x1fuser\x1f"
                                     "fred\x1f"
                                     "6B035A5C")
                ->userid(),
            "");
}

TEST(MailboxName, BothSpellingsGiveTheSameName) {
  const auto a = MailboxName::from_dbname(
      "example.com\x1d"
      "DELETED\x1fuser\x1f"
      "al.dot\x1f"
      "6B035A5F");
  const auto b = MailboxName::from_intname("example.com!DELETED.user.al^dot.6B035A5F");
  ASSERT_TRUE(a && b);
  EXPECT_EQ(*a, *b);
  EXPECT_EQ(a->dbname(), b->dbname());
}

TEST(HashLetter, IsTheFirstLetterOrQ) {
  EXPECT_EQ(hash_letter("alice", false), 'a');
  EXPECT_EQ(hash_letter("Example.com", false), 'e');
  EXPECT_EQ(hash_letter("5nbj", false), 'q');
  EXPECT_EQ(hash_letter("*U*al^dot", false), 'q');
  EXPECT_EQ(hash_letter("$GLOBAL", false), 'q');
  EXPECT_EQ(hash_letter("", false), 'q');
}

TEST(HashLetter, OfAFullHashIsOneOf23) {
  EXPECT_EQ(hash_letter("alice", true), 'L');  // as a real Cyrus has it
  EXPECT_EQ(hash_letter("alice.sub", true), 'L');
  EXPECT_EQ(hash_letter("", true), 'A');
}

RC_GTEST_PROP(MailboxNameProperty, AnyAcceptedNameStaysWhereItBelongs,
              (const std::string& user, const std::string& folder)) {
  const StoreConfig config;
  const auto name = MailboxName::of_user(user, folder, config);
  if (!name) return;
  RC_ASSERT(name->components().at(0) == "user");
  RC_ASSERT(name->userid() == user);
  RC_ASSERT(MailboxName::from_intname(name->intname()) == *name);
  RC_ASSERT(MailboxName::from_dbname(name->dbname()) == *name);
}

}  // namespace
}  // namespace cyrus

#include "cyrus/mailbox_header.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace cyrus {
namespace {

std::string with_magic(const std::string& text) { return std::string(mailbox_header_magic()) + text; }

TEST(MailboxHeader, ReadsTheFileOfCyrus361) {
  const std::string file = with_magic("%(T e N user.eve I m6ezjlc29urvbpnuvn507t0e A %(eve lrswipkxtecdan))\n");
  EXPECT_EQ(file.size(), 184u);
  EXPECT_EQ(mailbox_header_magic().size(), 115u);
  const auto header = parse_mailbox_header(file, "header");
  ASSERT_TRUE(header) << header.error().text;
  EXPECT_EQ(header->type, "e");
  EXPECT_EQ(header->intname, "user.eve");
  EXPECT_EQ(header->uniqueid, "m6ezjlc29urvbpnuvn507t0e");
  EXPECT_EQ(header->jmap_id, "");
  EXPECT_EQ(header->quota_root, "");
  ASSERT_EQ(header->acl.size(), 1u);
  EXPECT_EQ(header->acl[0], (AclEntry{"eve", "lrswipkxtecdan"}));
  EXPECT_TRUE(header->user_flags.empty());
}

TEST(MailboxHeader, ReadsQuotaRootFlagsAndFreeSlots) {
  const auto header = parse_mailbox_header(
      with_magic("%(T el N user.alice I abc J Pw Q user.alice A %(alice lrs anyone p) U ($Label1 NIL MyFlag))\n"), "h");
  ASSERT_TRUE(header) << header.error().text;
  EXPECT_EQ(header->type, "el");
  EXPECT_EQ(header->jmap_id, "Pw");
  EXPECT_EQ(header->quota_root, "user.alice");
  EXPECT_EQ(header->acl, (std::vector<AclEntry>{{"alice", "lrs"}, {"anyone", "p"}}));
  EXPECT_EQ(header->user_flags, (std::vector<std::string>{"$Label1", "", "MyFlag"}));
}

TEST(MailboxHeader, ReadsTheThreeLinesOfOlderReleases) {
  const auto header =
      parse_mailbox_header(with_magic("user.ann\t4a5b6c7d\nWork  $Label1\nann\tlrswipcda\tanyone\tp\t\n"), "h");
  ASSERT_TRUE(header) << header.error().text;
  EXPECT_EQ(header->quota_root, "user.ann");
  EXPECT_EQ(header->uniqueid, "4a5b6c7d");
  EXPECT_EQ(header->user_flags, (std::vector<std::string>{"Work", "", "$Label1"}));
  EXPECT_EQ(header->acl, (std::vector<AclEntry>{{"ann", "lrswipcda"}, {"anyone", "p"}}));
}

TEST(MailboxHeader, OfOlderReleasesMayLackQuotaRootFlagsAndUniqueid) {
  const auto no_root = parse_mailbox_header(with_magic("\t4a5b6c7d\n\nann\tlrs\t\n"), "h");
  ASSERT_TRUE(no_root) << no_root.error().text;
  EXPECT_EQ(no_root->quota_root, "");
  EXPECT_EQ(no_root->uniqueid, "4a5b6c7d");
  EXPECT_TRUE(no_root->user_flags.empty());

  const auto no_id = parse_mailbox_header(with_magic("user.ann\n\n\n"), "h");
  ASSERT_TRUE(no_id) << no_id.error().text;
  EXPECT_EQ(no_id->quota_root, "user.ann");
  EXPECT_EQ(no_id->uniqueid, "");
  EXPECT_TRUE(no_id->acl.empty());
}

TEST(MailboxHeader, IsCorruptWithoutItsMagic) {
  const std::string good = with_magic("%(T e N user.eve I m6e A %(eve lrs))\n");
  for (std::size_t at = 0; at < mailbox_header_magic().size(); ++at) {
    std::string bad = good;
    bad[at] = bad[at] == 'x' ? 'y' : 'x';
    const auto header = parse_mailbox_header(bad, "h");
    ASSERT_FALSE(header) << at;
    EXPECT_EQ(header.error().code, base::Errc::corrupt);
    EXPECT_FALSE(parse_mailbox_header(good.substr(0, at), "h"));
  }
}

TEST(MailboxHeader, IsCorruptWhenItIsTorn) {
  const std::string modern = with_magic("%(T e N user.eve I m6e A %(eve lrs) U (A B))");
  const std::string old = with_magic("user.ann\t4a5b6c7d\nWork  $Label1\nann\tlrswipcda\tanyone\tp\t\n");
  for (const std::string& whole : {modern, old}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(parse_mailbox_header(whole.substr(0, size), "h")) << whole.substr(0, size);
    }
  }
}

TEST(MailboxHeader, IsCorruptWhenAFieldHasTheWrongKind) {
  for (const char* text : {"%(T e N user.eve A %(eve lrs))\n", "%(T e N user.eve I (a b) A %(eve lrs))\n",
                           "%(T e N user.eve I m6e A (eve lrs))\n", "%(T e N user.eve I m6e A %(eve (l r s)))\n",
                           "%(T e N user.eve I m6e U %(a b))\n", "%(T e N user.eve I m6e U (a (b c)))\n"}) {
    const auto header = parse_mailbox_header(with_magic(text), "h");
    ASSERT_FALSE(header) << text;
    EXPECT_EQ(header.error().code, base::Errc::corrupt);
  }
}

TEST(MailboxHeader, DropsFlagNamesWithoutASlot) {
  std::string flags;
  for (int i = 0; i < 200; ++i) flags += (i == 0 ? "f" : " f") + std::to_string(i);
  const auto header = parse_mailbox_header(with_magic("%(T e I a U (" + flags + "))\n"), "h");
  ASSERT_TRUE(header) << header.error().text;
  EXPECT_EQ(header->user_flags.size(), kMaxUserFlags);
}

TEST(MailboxHeader, IsWrittenAsCyrusWritesIt) {
  MailboxHeader header;
  header.type = "e";
  header.intname = "user.eve";
  header.uniqueid = "m6ezjlc29urvbpnuvn507t0e";
  header.acl = {{"eve", "lrswipkxtecdan"}};
  EXPECT_EQ(encode_mailbox_header(header),
            with_magic("%(T e N user.eve I m6ezjlc29urvbpnuvn507t0e A %(eve lrswipkxtecdan))\n"));
  header.quota_root = "user.eve";
  header.user_flags = {"Work", "", "Home"};
  EXPECT_EQ(encode_mailbox_header(header),
            with_magic("%(T e N user.eve I m6ezjlc29urvbpnuvn507t0e Q user.eve A %(eve lrswipkxtecdan) "
                       "U (Work NIL Home))\n"));
}

TEST(MailboxHeader, AChangeKeepsEverythingElse) {
  const auto changed = [](std::string_view before, const MailboxHeaderChange& change) {
    const auto after = change_mailbox_header(with_magic(std::string(before)), change, "h");
    EXPECT_TRUE(after) << after.error().text;
    return after ? after->substr(mailbox_header_magic().size()) : std::string();
  };
  const std::string_view list = "%(T e N user.eve I m6e X new A %(eve lrs) U (a NIL b))\n";
  EXPECT_EQ(changed(list, {std::nullopt, "user.eve"}),
            "%(T e N user.eve I m6e X new Q user.eve A %(eve lrs) U (a NIL b))\n");
  EXPECT_EQ(changed("%(T e N user.eve I m6e Q user.eve A %(eve lrs))\n", {"DELETED.user.eve.6B", ""}),
            "%(T e N DELETED.user.eve.6B I m6e A %(eve lrs))\n");
  EXPECT_EQ(changed(list, {}), list);
  const std::string_view lines = "user.old\tm6e\nWork  Home\neve\tlrs\t\n";
  EXPECT_EQ(changed(lines, {"not kept", "user.eve"}), "user.eve\tm6e\nWork  Home\neve\tlrs\t\n");
  EXPECT_FALSE(change_mailbox_header("damage", {}, "h"));
}

RC_GTEST_PROP(MailboxHeader, NeverCrashesOnAnyText, (const std::string& text, bool dlist)) {
  const auto header = parse_mailbox_header(with_magic((dlist ? "%(" : "") + text), "h");
  if (header) RC_ASSERT(header->user_flags.size() <= kMaxUserFlags);
}

}  // namespace
}  // namespace cyrus

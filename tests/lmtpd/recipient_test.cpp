#include "lmtpd/recipient.hpp"

#include <gtest/gtest.h>

namespace lmtpd {
namespace {

/// "user|folder", or "shared|folder".
std::string target(std::string_view address, const RecipientRules& rules = {}) {
  const Target out = target_of(lmtp::parse_path("<" + std::string(address) + ">")->path, rules);
  EXPECT_EQ(out.shared, out.user.empty());
  return (out.shared ? "shared" : out.user) + "|" + out.folder;
}

TEST(RecipientAddress, WithoutVirtualDomainsTheDomainMeansNothing) {
  EXPECT_EQ(target("alice"), "alice|");
  EXPECT_EQ(target("alice@example.com"), "alice|");
  EXPECT_EQ(target("@relay.example:alice@example.com"), "alice|");
  EXPECT_EQ(target("\"alice\"@[127.0.0.1]"), "alice|");
}

TEST(RecipientAddress, UsersAreFoldedAndFoldersAreNot) {  // imapd.conf(5) lmtp_downcase_rcpt
  EXPECT_EQ(target("Alice+Lists.Dev@Example.com"), "alice|Lists.Dev");
  RecipientRules rules;
  rules.fold_case = false;
  EXPECT_EQ(target("Alice+Lists.Dev", rules), "Alice|Lists.Dev");
}

TEST(RecipientAddress, TheFirstPlusBeginsTheFolder) {
  EXPECT_EQ(target("alice+a+b"), "alice|a+b");
  EXPECT_EQ(target("alice+"), "alice|");
}

TEST(RecipientAddress, UnderVirtualDomainsTheDomainBelongsToTheUser) {
  RecipientRules rules;
  rules.virtual_domains = true;
  rules.default_domain = "example.com";
  EXPECT_EQ(target("alice+x@Other.Example", rules), "alice@other.example|x");
  EXPECT_EQ(target("alice@EXAMPLE.com", rules), "alice|");
  EXPECT_EQ(target("alice", rules), "alice|");
  EXPECT_EQ(target("\"alice@x\"@other.example", rules), "alice@x@other.example|");
}

TEST(RecipientAddress, SharedFoldersHaveAUserOfTheirOwn) {  // imapd.conf(5) postuser
  EXPECT_EQ(target("+bulletin"), "shared|bulletin");
  RecipientRules rules;
  rules.post_user = "bb";
  EXPECT_EQ(target("bb+bulletin.board@x", rules), "shared|bulletin.board");
  EXPECT_EQ(target("bbc", rules), "bbc|");
  rules.virtual_domains = true;
  rules.default_domain = "example.com";
  EXPECT_EQ(target_of({"bb+bulletin", "Other.Example"}, rules).domain, "other.example");
  EXPECT_EQ(target_of({"bb+bulletin", "EXAMPLE.com"}, rules).domain, "");
  EXPECT_EQ(target_of({"alice", "other.example"}, rules).domain, "");
}

}  // namespace
}  // namespace lmtpd

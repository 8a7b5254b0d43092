#include "tools/pillarbox/mailbox_argument.hpp"

#include <gtest/gtest.h>

namespace tools {
namespace {

std::string intname(std::string_view text) {
  cyrus::StoreConfig config;
  config.virtual_domains = cyrus::VirtualDomains::userid;
  const auto name = parse_mailbox_argument(text, config);
  return name ? name->intname() : "refused";
}

TEST(MailboxArgument, IsAUserAFolderOrAnInternalName) {
  EXPECT_EQ(intname("ann"), "user.ann");
  EXPECT_EQ(intname("ann.lee"), "user.ann^lee");
  EXPECT_EQ(intname("ann+Work/New"), "user.ann.Work.New");
  EXPECT_EQ(intname("ann@example.com"), "example.com!user.ann");
  EXPECT_EQ(intname("ann+Work@example.com"), "example.com!user.ann.Work");
  EXPECT_EQ(intname("user.ann.Work"), "user.ann.Work");
  EXPECT_EQ(intname("example.com!user.ann"), "example.com!user.ann");
  EXPECT_EQ(intname("DELETED.user.ann.6B035A5C"), "DELETED.user.ann.6B035A5C");
}

TEST(MailboxArgument, RefusesWhatIsNone) {
  for (const char* text : {"", "+Work", "ann+", "@example.com", "ann@", "ann+../x", "a/b", "user..x"}) {
    EXPECT_EQ(intname(text), "refused") << text;
  }
}

}  // namespace
}  // namespace tools

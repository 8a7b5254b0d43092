#include "mime/address_list.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace mime {
namespace {

std::string show(const std::optional<std::string>& text) { return text ? '"' + *text + '"' : "NIL"; }

/// `("name" NIL "mailbox" "domain")...`
std::string parsed(std::string_view value) {
  std::string text;
  for (const Address& address : parse_address_list(value)) {
    text += '(' + show(address.name) + ' ' + show(address.route) + ' ' + show(address.mailbox) + ' ' +
            show(address.domain) + ')';
  }
  return text;
}

TEST(AddressList, TellsNameMailboxAndDomainApart) {  // RFC 5322 s3.4
  EXPECT_EQ(parsed(" ann@example.com"), R"((NIL NIL "ann" "example.com"))");
  EXPECT_EQ(parsed(" Ann Lee <ann@Example.com>, bob@b.example"),
            R"(("Ann Lee" NIL "ann" "Example.com")(NIL NIL "bob" "b.example"))");
  EXPECT_EQ(parsed(" \"Lee, Ann\" <\"a b\"@x>"), R"(("Lee, Ann" NIL "a b" "x"))");
}

TEST(AddressList, ACommentBehindAnAddressIsItsName) {  // RFC 5322 sA.5
  EXPECT_EQ(parsed("ann@x (Ann (the) Lee)"), R"(("Ann (the) Lee" NIL "ann" "x"))");
  EXPECT_EQ(parsed("ann@(one)x"), R"((NIL NIL "ann" "x"))");
}

TEST(AddressList, AGroupIsAnEntryAtEachEnd) {
  EXPECT_EQ(parsed("Team: ann@x, bob@y;, c@z"),
            R"((NIL NIL "Team" NIL)(NIL NIL "ann" "x")(NIL NIL "bob" "y")(NIL NIL NIL NIL)(NIL NIL "c" "z"))");
  EXPECT_EQ(parsed("undisclosed-recipients:;"), R"((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))");
  EXPECT_EQ(parsed("open: a@b"), R"((NIL NIL "open" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL))");
}

TEST(AddressList, KeepsSourceRoutes) {  // RFC 5322 s4.4
  EXPECT_EQ(parsed("<@one,@two:ann@x>"), R"((NIL "@one,@two" "ann" "x"))");
  EXPECT_EQ(parsed("A <@one>"), R"(("A" "@one" "" "unspecified-domain"))");
}

TEST(AddressList, ReadsFoldedValues) {
  EXPECT_EQ(parsed(" Ann\r\n\tLee\r\n <ann@x>,\r\n bob@y"), R"(("Ann Lee" NIL "ann" "x")(NIL NIL "bob" "y"))");
  EXPECT_EQ(parsed("\"a\r\n b\" <c@d>"), R"(("a b" NIL "c" "d"))");
}

TEST(AddressList, MakesSomethingOfWhatIsNone) {
  EXPECT_EQ(parsed(""), "");
  EXPECT_EQ(parsed(" , ,"), "");
  EXPECT_EQ(parsed("ann"), R"((NIL NIL "ann" "unspecified-domain"))");
  EXPECT_EQ(parsed("<>"), R"((NIL NIL "" "unspecified-domain"))");
  EXPECT_EQ(parsed("a@b@c"), R"((NIL NIL "a" "b@c"))");
  EXPECT_EQ(parsed("\"open <a@b>"), "");
  EXPECT_EQ(parsed("Ann (open <a@b>"), R"((NIL NIL "Ann" "unspecified-domain"))");
  EXPECT_EQ(parsed("a@b..c."), R"((NIL NIL "a" "b.c"))");
}

TEST(AddressList, EndsAtItsBound) {
  std::string list;
  for (int i = 0; i < 30'000; ++i) list += "a,";
  EXPECT_EQ(parse_address_list(list).size(), kMaxAddresses);
}

RC_GTEST_PROP(AddressList, NeverSaysMoreThanWasThere, (const std::string& value)) {
  std::size_t octets = 0;
  for (const Address& address : parse_address_list(value)) {
    octets +=
        address.name.value_or("").size() + address.route.value_or("").size() + address.mailbox.value_or("").size();
    if (address.domain && *address.domain != "unspecified-domain") octets += address.domain->size();
  }
  RC_ASSERT(octets <= value.size());
}

}  // namespace
}  // namespace mime

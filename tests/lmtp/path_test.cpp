#include "lmtp/path.hpp"

#include <gtest/gtest.h>

namespace lmtp {
namespace {

/// "local|domain" of a path that takes the whole text; "" when it is none.
std::string parsed(std::string_view text) {
  const auto found = parse_path(text);
  if (!found || found->length != text.size()) return {};
  return found->path.local + "|" + found->path.domain;
}

TEST(PathSyntax, MailboxesOfRfc5321) {  // RFC 5321 s4.1.2
  EXPECT_EQ(parsed("<alice@example.com>"), "alice|example.com");
  EXPECT_EQ(parsed("<alice>"), "alice|");
  EXPECT_EQ(parsed("<alice+folder.sub@example.com>"), "alice+folder.sub|example.com");
  EXPECT_EQ(parsed("<a!#$%&'*/=?^_`{|}~-b@x>"), "a!#$%&'*/=?^_`{|}~-b|x");
  EXPECT_EQ(parsed("<a@[127.0.0.1]>"), "a|[127.0.0.1]");
  EXPECT_EQ(parsed("<a@[IPv6:fe80::1]>"), "a|[IPv6:fe80::1]");
  EXPECT_EQ(parsed("<>"), "|");
}

TEST(PathSyntax, DotsMayStandWhereRealAddressesHaveThem) {
  EXPECT_EQ(parsed("<.a..b.@docomo.example>"), ".a..b.|docomo.example");
}

TEST(PathSyntax, QuotesAndBackslashesAreTakenOff) {  // RFC 5321 s4.1.2 Quoted-string
  EXPECT_EQ(parsed("<\"alice\"@x>"), "alice|x");
  EXPECT_EQ(parsed("<\"al\\ice\"@x>"), "alice|x");
  EXPECT_EQ(parsed("<\"a b@c>\"@x>"), "a b@c>|x");
  EXPECT_EQ(parsed("<\"\\\"\\\\\"@x>"), "\"\\|x");
}

TEST(PathSyntax, ASourceRouteIsPassedOver) {  // RFC 5321 s4.1.2 A-d-l, C
  EXPECT_EQ(parsed("<@one,@two.example:alice@x>"), "alice|x");
  EXPECT_EQ(parsed("<@[10.0.0.1]:alice@x>"), "alice|x");
  EXPECT_EQ(parsed("<@one>"), "");
  EXPECT_EQ(parsed("<@:a@x>"), "");
  EXPECT_EQ(parsed("<@one,two:a@x>"), "");
  EXPECT_EQ(parsed("<@one:>"), "");
}

TEST(PathSyntax, WhatIsNoPathIsRefused) {
  for (const std::string_view text : {"",         "alice",    "<alice",  "<alice@", "<alice@>", "<@>",     "< alice>",
                                      "<al ice>", "<alice >", "<a@b@c>", "<\"\">",  "<\"a>",    "<\"a\\",  "<a(c)@x>",
                                      "<a,b@x>",  "<a@x;y>",  "<a@[]>",  "<a@[1>",  "<a\\b@x>", "<a\tb@x>"}) {
    EXPECT_FALSE(parse_path(text)) << text;
  }
  EXPECT_FALSE(parse_path(std::string("<a\0b@x>", 8)));
  EXPECT_FALSE(parse_path(std::string("<\"a\0b\"@x>", 10)));
}

TEST(PathSyntax, WhatFollowsThePathIsNotLookedAt) {
  EXPECT_EQ(parse_path("<a@b> SIZE=1")->length, 5U);
  EXPECT_EQ(parse_path("<a@b>>")->length, 5U);
}

TEST(PathSyntax, LongPathsAreTakenUpToABound) {  // RFC 5321 s4.5.3.1.3
  const std::string local(kMaxPathOctets - 4, 'a');
  EXPECT_TRUE(parse_path("<" + local + "@x>"));
  const auto longer = parse_path("<" + local + "a@x>");
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error(), "path too long");
}

TEST(EightBitPaths, AreUtf8InATransactionWithSmtputf8) {  // RFC 6531 s3.3
  Path path = parse_path(
                  "<j\xC3\xB6rg@b\xC3\xBC"
                  "cher.example>")
                  ->path;
  EXPECT_EQ(path.octets, Path::Octets::utf8);
  EXPECT_TRUE(admit(path, true, true));
  EXPECT_FALSE(admit(path, false, true));
  EXPECT_EQ(to_text(path),
            "j\xC3\xB6rg@b\xC3\xBC"
            "cher.example");
}

TEST(EightBitPaths, MustBeWellFormed) {  // RFC 3629 s3
  for (const std::string_view local : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC3", "\xE2\x82", "\x80",
                                       "\xF0\x80\x80\x80", "\xE0\x80\x80", "\xFF", "j\xF6rg"}) {
    Path path = parse_path("<" + std::string(local) + "@x>")->path;
    EXPECT_EQ(path.octets, Path::Octets::other);
    EXPECT_FALSE(admit(path, true, true));
  }
}

TEST(EightBitPaths, BecomeXWithoutStrictness) {  // imapd.conf(5) lmtp_strict_rfc2821
  Path path = parse_path("<j\xF6rg@x>")->path;
  EXPECT_TRUE(admit(path, false, false));
  EXPECT_EQ(path.local, "jXrg");
  Path domain = parse_path(
                    "<a@b\xFC"
                    "cher>")
                    ->path;
  EXPECT_FALSE(admit(domain, false, false));
}

TEST(PathText, IsQuotedWhereItMustBe) {
  for (const std::string_view text : {"<alice@x>", "<\"a b\"@x>", "<\"a\\\"\\\\\"@x>", "<alice>"}) {
    EXPECT_EQ("<" + to_text(parse_path(text)->path) + ">", text);
  }
}

}  // namespace
}  // namespace lmtp

#include "cyrus/dlist.hpp"

#include "support/twoskip_writer.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace cyrus {
namespace {

using Kind = Dlist::Kind;

Dlist parsed(std::string_view text) {
  auto item = parse_dlist(text);
  EXPECT_TRUE(item) << text << ": " << (item ? "" : item.error().text);
  return item ? *item : Dlist{};
}

void expect_corrupt(std::string_view text) {
  const auto item = parse_dlist(text);
  ASSERT_FALSE(item) << text;
  EXPECT_EQ(item.error().code, base::Errc::corrupt);
}

TEST(Dlist, ReadsARecordOfMailboxesDb) {
  const Dlist record = parsed("%(T e I m6ez P default V 1795382168 A %(eve lrs cyrus a) H ())");
  EXPECT_EQ(record.kind, Kind::fields);
  EXPECT_EQ(record.string("I"), "m6ez");
  EXPECT_EQ(record.string("V"), "1795382168");
  EXPECT_EQ(record.find("A")->string("cyrus"), "a");
  EXPECT_EQ(record.find("H")->kind, Kind::list);
  EXPECT_TRUE(record.find("H")->items.empty());
  EXPECT_EQ(record.find("X"), nullptr);
  EXPECT_FALSE(record.string("A"));  // there, but no string
}

TEST(Dlist, TakesAllThreeSpellingsOfAString) {
  for (const std::string_view text : {"abc", "\"abc\"", "{3}\r\nabc", "{3+}\r\nabc"}) {
    EXPECT_EQ(parsed(text).text, "abc") << text;
    EXPECT_EQ(parsed("(x " + std::string(text) + " y)").items.at(1).text, "abc") << text;
  }
  EXPECT_EQ(parsed("\"\"").text, "");
  EXPECT_EQ(parsed("{0}\r\n").text, "");
  EXPECT_EQ(parsed(R"("a\"b\\c")").text, R"(a"b\c)");
}

TEST(Dlist, SeparatorsOfNamesAreOrdinaryOctets) {
  EXPECT_EQ(parsed("%(N user\x1f"
                   "alice)")
                .string("N"),
            "user\x1f"
            "alice");
  EXPECT_EQ(parsed("%(N \"example.com\x1duser\x1f"
                   "dom\")")
                .string("N"),
            "example.com\x1duser\x1f"
            "dom");
}

TEST(Dlist, NilIsAbsentUnlessItIsQuoted) {
  const Dlist record = parsed("%(J NIL K \"NIL\" L nil M {3}\r\nNIL)");
  EXPECT_EQ(record.find("J"), nullptr);
  EXPECT_FALSE(record.string("J"));
  EXPECT_EQ(record.string("K"), "NIL");
  EXPECT_EQ(record.string("L"), "nil");
  EXPECT_EQ(record.string("M"), "NIL");
  EXPECT_EQ(parsed("NIL").kind, Kind::nil);
}

TEST(Dlist, ALiteralMayHoldAnything) {
  const std::string octets("a) \"\r\n\0{9}", 10);
  EXPECT_EQ(parsed("%(N {10}\r\n" + octets + " T e)").string("N"), octets);
  EXPECT_EQ(parsed("%(N {10}\r\n" + octets + " T e)").string("T"), "e");
}

TEST(Dlist, RefusesWhatIsCutShortOrTooLong) {
  for (const std::string_view text : {"",
                                      " ",
                                      "%",
                                      "%(",
                                      "%(T",
                                      "%(T ",
                                      "%(T e",
                                      "(",
                                      "(a",
                                      "(a ",
                                      "\"",
                                      "\"a",
                                      "\"a\r\n\"",
                                      "\"\\n\"",
                                      "\"a\\",
                                      "{",
                                      "{3",
                                      "{3}",
                                      "{3}\r",
                                      "{3}\n",
                                      "{3}\r\nab",
                                      "{}\r\n",
                                      "{-1}\r\n",
                                      "{99999999999999999999}\r\n",
                                      "{18446744073709551615}\r\n",
                                      "a b",
                                      "a)",
                                      ")",
                                      "%(T)",
                                      "%(T e P)",
                                      "(a\"b\")",
                                      "(\"a\"b)",
                                      "(a(b))",
                                      "%{part id 3}\r\nabc",
                                      "%(( x)"}) {
    expect_corrupt(text);
  }
}

TEST(Dlist, DepthIsBounded) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '(') + "a" + std::string(static_cast<std::size_t>(depth), ')');
  };
  EXPECT_TRUE(parse_dlist(nested(kMaxDlistDepth)));
  expect_corrupt(nested(kMaxDlistDepth + 1));
  expect_corrupt(nested(100'000));
}

TEST(Dlist, EveryCutOfARecordIsRefused) {
  const std::string_view record = "%(T e N \"a b\" X {4}\r\nxx\r\n A %(eve lrs) H ())";
  ASSERT_TRUE(parse_dlist(record));
  for (std::size_t size = 0; size < record.size(); ++size) expect_corrupt(record.substr(0, size));
}

TEST(Dlist, IsWrittenAsCyrusWritesIt) {
  const std::string_view record = "%(T e N \"a b\" X {4}\r\nx%\r\n A %(eve lrs) J NIL H () U (a \"\" \"NIL\"))";
  std::string written;
  append_dlist(parsed(record), written);
  EXPECT_EQ(written, record);
  std::string longest;
  append_dlist_string(std::string(1023, 'x'), longest);
  append_dlist_string(std::string(1024, 'x'), longest);
  EXPECT_EQ(longest, std::string(1023, 'x') + '"' + std::string(1024, 'x') + '"');
}

RC_GTEST_PROP(DlistProperty, WhatIsWrittenComesBack, (const std::string& key, const std::vector<std::string>& texts)) {
  Dlist inner;
  inner.kind = Kind::list;
  for (const std::string& text : texts) inner.items.push_back(dlist_string(text));
  Dlist outer;
  outer.kind = Kind::fields;
  outer.keys.push_back(key.empty() ? "k" : key);
  outer.items.push_back(inner);
  std::string written;
  append_dlist(outer, written);
  const auto read = parse_dlist(written);
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->keys == outer.keys);
  RC_ASSERT(read->items.at(0).items.size() == texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) RC_ASSERT(read->items[0].items[i].text == texts[i]);
}

TEST(ParseDecimal, TakesDigitsOnly) {
  EXPECT_EQ(parse_decimal("0"), 0U);
  EXPECT_EQ(parse_decimal("18446744073709551615"), ~std::uint64_t{0});
  for (const std::string_view text : {"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616"}) {
    EXPECT_FALSE(parse_decimal(text)) << text;
  }
}

RC_GTEST_PROP(DlistProperty, StringsComeBackAsWritten, (const std::vector<std::string>& texts)) {
  std::string written = "(";
  for (const std::string& text : texts) written += (written.size() > 1 ? " " : "") + support::dlist_string(text);
  const auto list = parse_dlist(written + ")");
  RC_ASSERT(list.has_value());
  RC_ASSERT(list->items.size() == texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) RC_ASSERT(list->items[i].text == texts[i]);
}

}  // namespace
}  // namespace cyrus

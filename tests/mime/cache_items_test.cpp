#include "mime/cache_items.hpp"

#include "base/byte_order.hpp"
#include "base/crc32.hpp"
#include "base/sha1.hpp"
#include "mime/message.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace mime {
namespace {

CacheItems items_of(std::string_view text) {
  const auto message = parse_message(text);
  EXPECT_TRUE(message);
  return cache_items(*message);
}

TEST(CacheItems, OfAPlainMessage) {
  const CacheItems items = items_of(
      "Date: Mon, 02 Nov 2026 01:00:00 +0000\r\nFrom: Ann Lee <Ann@Example.com>\r\nTo: bob@x\r\n"
      "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nX-Mailer: test\r\nX-Other: no\r\nList-Id: <l>\r\n "
      "folded\r\n\r\nbody\r\n");
  EXPECT_EQ(items.envelope,
            R"(("Mon, 02 Nov 2026 01:00:00 +0000" "=?utf-8?q?Gr=C3=BC=C3=9Fe?=" (("Ann Lee" NIL "Ann" "Example.com")) )"
            R"((("Ann Lee" NIL "Ann" "Example.com")) (("Ann Lee" NIL "Ann" "Example.com")) ((NIL NIL "bob" "x")) )"
            R"(NIL NIL NIL NIL))");
  EXPECT_EQ(items.body_structure, R"(("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 6 1 NIL NIL NIL NIL))");
  EXPECT_EQ(items.body, R"(("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 6 1))");
  EXPECT_EQ(items.headers, "X-Mailer: test\r\nList-Id: <l>\r\n folded\r\n");
  EXPECT_EQ(items.from, "Ann Lee <ann@example.com>");
  EXPECT_EQ(items.to, "<bob@x>");
  EXPECT_EQ(items.cc, "");
  EXPECT_EQ(items.subject, "{7}\r\nGrüße");
}

TEST(CacheItems, SectionSaysWhereThePartsAre) {
  const std::string section = items_of("A: b\r\n\r\nbody\r\n").section;
  ASSERT_EQ(section.size(), 116U);
  const std::span bytes(reinterpret_cast<const unsigned char*>(section.data()), section.size());
  const base::Sha1Digest digest = base::sha1("body\r\n");
  const std::string sha1(reinterpret_cast<const char*>(digest.data()), digest.size());
  const auto word = [&bytes](std::size_t at) { return base::load_be32(bytes, at); };
  EXPECT_EQ(word(0), 2U);
  EXPECT_EQ(word(4), 0U);   // header offset
  EXPECT_EQ(word(8), 8U);   // header size
  EXPECT_EQ(word(12), 8U);  // content offset
  EXPECT_EQ(word(16), 6U);  // content size
  EXPECT_EQ(word(20), 0xFFFFU);
  EXPECT_EQ(section.substr(24, 20), sha1);
  EXPECT_EQ(word(44), 6U);
  EXPECT_EQ(word(48), 1U);
  EXPECT_EQ(word(68), 0x000C0000U);
  EXPECT_EQ(section.substr(72, 12), std::string("us-ascii\0\0\0\0", 12));
  EXPECT_EQ(section.substr(84, 20), sha1);
  EXPECT_EQ(word(112), 0U);
}

TEST(CacheItems, OfAMultipart) {
  const CacheItems items = items_of(
      "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\npreamble\r\n--b\r\n\r\none\r\n--b\r\n"
      "Content-Type: image/png; name=x.png\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: inline\r\n"
      "Content-Language: en, de\r\n\r\naGk=\r\n--b--\r\nepilogue\r\n");
  EXPECT_EQ(items.body_structure,
            R"((("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 3 0 NIL NIL NIL NIL))"
            R"(("IMAGE" "PNG" ("NAME" "x.png") NIL NIL "BASE64" 4 NIL ("INLINE" NIL) ("EN" "DE") NIL) )"
            R"("MIXED" ("BOUNDARY" "b") NIL NIL NIL))");
}

TEST(CacheItems, OfAMessageInAMessage) {
  const CacheItems items =
      items_of("Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: text/html\r\n\r\n<p>\r\n");
  EXPECT_EQ(items.body, R"(("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 48 (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) )"
                        R"(("TEXT" "HTML" NIL NIL NIL "7BIT" 5 1) 4))");
}

TEST(CacheRecord, LaysEachItemOutWithItsLengthAndZeros) {
  CacheItems items;
  items.envelope = "abcde";
  items.subject = "NIL";
  const CacheRecord record = cache_record(items);
  EXPECT_EQ(record.bytes.substr(0, 12), std::string("\0\0\0\5abcde\0\0\0", 12));
  EXPECT_EQ(record.bytes.size(), 12 + 8 * 4 + 8U);
  EXPECT_EQ(record.crc, base::crc32(record.bytes));
}

RC_GTEST_PROP(CacheRecord, CanBeTakenApartAgain, (const std::vector<std::string>& texts)) {
  CacheItems items;
  std::vector<std::string*> members = {&items.envelope, &items.body_structure, &items.body, &items.section,
                                       &items.headers,  &items.from,           &items.to,   &items.cc,
                                       &items.bcc,      &items.subject};
  for (std::size_t i = 0; i < texts.size(); ++i) *members[i % members.size()] += texts[i];
  const std::string bytes = cache_record(items).bytes;
  const std::span words(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  std::size_t at = 0;
  for (const std::string* member : members) {
    RC_ASSERT(at + 4 <= bytes.size());
    const std::size_t size = base::load_be32(words, at);
    RC_ASSERT(bytes.substr(at + 4, size) == *member);
    at += 4 + (size + 3) / 4 * 4;
  }
  RC_ASSERT(at == bytes.size());
}

}  // namespace
}  // namespace mime

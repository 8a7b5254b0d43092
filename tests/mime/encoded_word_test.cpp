#include "mime/encoded_word.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace mime {
namespace {

TEST(EncodedWord, IsDecodedToUtf8) {  // RFC 2047 s8
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>"),
            "Keld Jørn Simonsen <keld@dkuug.dk>");
  EXPECT_EQ(decode_encoded_words("=?utf-8?b?R3LDvMOfZQ==?="), "Grüße");
  EXPECT_EQ(decode_encoded_words("=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?="), "日本");
  EXPECT_EQ(decode_encoded_words("=?utf-8*de?q?Gr=C3=BC=C3=9Fe?="), "Grüße");
  EXPECT_EQ(decode_encoded_words("=?gb2312?B?urrX1g==?="), "汉字");
  EXPECT_EQ(decode_encoded_words("=?windows-1251?Q?=CF=F0=E8=E2=E5=F2?="), "Привет");
}

TEST(EncodedWord, BlanksBetweenTwoVanish) {  // RFC 2047 s6.2
  EXPECT_EQ(decode_encoded_words("=?us-ascii?q?a?= =?us-ascii?q?b?="), "ab");
  EXPECT_EQ(decode_encoded_words("=?us-ascii?q?a?=  b =?us-ascii?q?c?="), "a  b c");
  EXPECT_EQ(decode_encoded_words("=?us-ascii?q?a?="), "a");
}

TEST(EncodedWord, ACharacterMayBeginInOneAndEndInTheNext) {
  EXPECT_EQ(decode_encoded_words("=?utf-8?b?4Q==?= =?UTF8?b?gqw=?="), "\xE1\x82\xAC");
  EXPECT_EQ(decode_encoded_words("=?utf-8?b?4Q==?= =?utf-8?q?=82=AC?="), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(EncodedWord, WhatIsNoneStaysAsItIs) {
  for (const char* text :
       {"", "plain", "=?", "=?utf-8?", "=?utf-8?x?abc?=", "=?utf-8?q?abc", "=?utf-8?q?abc?", "? =", "a=b", "=?=?="}) {
    EXPECT_EQ(decode_encoded_words(text), text);
  }
}

TEST(EncodedWord, BadTextIsTheReplacementCharacter) {
  EXPECT_EQ(decode_encoded_words("=?no-such-charset?q?abc?= x"), "\xEF\xBF\xBD x");
  EXPECT_EQ(decode_encoded_words("caf\xE9"), "caf\xEF\xBF\xBD");
  EXPECT_EQ(decode_encoded_words("=?utf-8?q?=FF=C3?= "), "\xEF\xBF\xBD ");
}

TEST(EncodedWord, ANulEndsTheText) { EXPECT_EQ(decode_encoded_words("a =?utf-8?q?b=00c?= d"), "a b"); }

RC_GTEST_PROP(EncodedWord, ReadsWhatItWrites, ()) {
  const auto characters = *rc::gen::container<std::vector<std::string>>(
      rc::gen::elementOf(std::vector<std::string>{"a", "B", "7", " ", "=", "?", "_", ",", "\t", "ü", "日", "𝔘"}));
  std::string text;
  for (const std::string& character : characters) text += character;
  RC_ASSERT(decode_encoded_words(encode_word(text)) == text);
}

RC_GTEST_PROP(EncodedWord, GivesUtf8WhateverComes, (const std::string& text)) {
  const std::string once = decode_encoded_words("=?utf-8?q?" + text + "?=");
  RC_ASSERT(once.find('\0') == std::string::npos);
}

}  // namespace
}  // namespace mime

#include "auth/base64.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace {

std::string decoded(std::string_view text) {
  const auto bytes = auth::base64_decode(text);
  return bytes ? std::string{bytes->view()} : "error: " + bytes.error().text;
}

TEST(Base64, EncodesTheExamplesOfTheStandard) {  // RFC 4648 s10
  EXPECT_EQ(auth::base64_encode(""), "");
  EXPECT_EQ(auth::base64_encode("f"), "Zg==");
  EXPECT_EQ(auth::base64_encode("fo"), "Zm8=");
  EXPECT_EQ(auth::base64_encode("foo"), "Zm9v");
  EXPECT_EQ(auth::base64_encode("foob"), "Zm9vYg==");
  EXPECT_EQ(auth::base64_encode("fooba"), "Zm9vYmE=");
  EXPECT_EQ(auth::base64_encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(auth::base64_encode("\xff\xef\xbe"), "/+++");
}

TEST(Base64, DecodesTheExamplesOfTheStandard) {  // RFC 4648 s10
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded("Zg=="), "f");
  EXPECT_EQ(decoded("Zm8="), "fo");
  EXPECT_EQ(decoded("Zm9vYmFy"), "foobar");
  EXPECT_EQ(decoded("AAAA"), std::string(3, '\0'));
}

TEST(Base64, IncompleteGroupsAreRefused) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zm9", "Zm9vY", "Zm9vYg="}) {
    EXPECT_EQ(decoded(text), "error: base64: incomplete group") << text;
  }
}

TEST(Base64, BytesOutsideTheAlphabetAreRefused) {
  for (int byte = 0; byte < 256; ++byte) {
    const auto c = static_cast<char>(byte);
    const bool digit =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
    const auto text = std::string{"Zm"} + c + "v";
    EXPECT_EQ(auth::base64_decode(text).has_value(), digit) << "byte " << byte;
  }
  EXPECT_FALSE(auth::base64_decode(" Zm9").has_value());
  EXPECT_FALSE(auth::base64_decode("Zm9v\r\n\r\n").has_value());
  EXPECT_FALSE(auth::base64_decode("Zm9-").has_value());
}

TEST(Base64, PaddingStandsOnlyAtTheEnd) {
  for (const char* text : {"====", "Z===", "=Zm9", "Zg==Zg==", "Zm=v", "Zm9v===="}) {
    EXPECT_FALSE(auth::base64_decode(text).has_value()) << text;
  }
}

TEST(Base64, BitsBehindTheLastOctetAreRefused) {  // RFC 4648 s3.5
  EXPECT_EQ(decoded("Zh=="), "error: base64: bits behind the last octet");
  EXPECT_EQ(decoded("Zm9="), "error: base64: bits behind the last octet");
}

RC_GTEST_PROP(Base64, DecodingUndoesEncoding, (const std::string& bytes)) {
  const auto text = auth::base64_encode(bytes);
  RC_ASSERT(text.size() == (bytes.size() + 2) / 3 * 4);
  const auto back = auth::base64_decode(text);
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->view() == bytes);
}

}  // namespace

#include "auth/sasl_response.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace {

using auth::is_acceptable_response;
using auth::is_mechanism_name;
using namespace std::string_view_literals;

TEST(SaslResponse, MechanismNamesAreShortAndPlain) {  // RFC 4422 s3.1
  EXPECT_TRUE(is_mechanism_name("PLAIN"));
  EXPECT_TRUE(is_mechanism_name("scram-sha-256-plus"));
  EXPECT_TRUE(is_mechanism_name(std::string(20, 'A')));
  EXPECT_FALSE(is_mechanism_name(std::string(21, 'A')));
  EXPECT_FALSE(is_mechanism_name(std::string(65536, 'A')));
  EXPECT_FALSE(is_mechanism_name(""));
  EXPECT_FALSE(is_mechanism_name("PLAIN "));
  EXPECT_FALSE(is_mechanism_name("PL%sN"));
  EXPECT_FALSE(is_mechanism_name("PLAIN\0X"sv));
}

TEST(SaslResponse, PlainIsTwoNulsWithNameAndPassword) {  // RFC 4616 s2
  EXPECT_TRUE(is_acceptable_response("PLAIN", "\0alice\0secret"sv));
  EXPECT_TRUE(is_acceptable_response("plain", "bob\0alice\0secret"sv));
  EXPECT_FALSE(is_acceptable_response("PLAIN", ""sv));
  EXPECT_FALSE(is_acceptable_response("PLAIN", "alice"sv));
  EXPECT_FALSE(is_acceptable_response("PLAIN", "alice\0secret"sv));
  EXPECT_FALSE(is_acceptable_response("PLAIN", "\0alice\0"sv));
  EXPECT_FALSE(is_acceptable_response("PLAIN", "\0\0secret"sv));
  EXPECT_FALSE(is_acceptable_response("PLAIN", "\0alice\0secret\0"sv));
  EXPECT_FALSE(is_acceptable_response("PLAIN", "\0alice\0sec\0ret"sv));
  EXPECT_FALSE(is_acceptable_response("PLAIN", "\0\0"sv));
}

TEST(SaslResponse, LoginHoldsNoNulAndIsNotEmpty) {
  EXPECT_TRUE(is_acceptable_response("LOGIN", "secret"));
  EXPECT_FALSE(is_acceptable_response("LOGIN", "secret\0junk"sv));
  EXPECT_FALSE(is_acceptable_response("login", ""));
}

TEST(SaslResponse, ResponsesAreBounded) {
  const auto message = [](std::size_t size) { return std::string{"\0a\0"sv} + std::string(size - 3, 'p'); };
  EXPECT_TRUE(is_acceptable_response("PLAIN", message(auth::kMaxPasswordResponse)));
  EXPECT_FALSE(is_acceptable_response("PLAIN", message(auth::kMaxPasswordResponse + 1)));
  EXPECT_FALSE(is_acceptable_response("LOGIN", std::string(auth::kMaxPasswordResponse + 1, 'p')));
  EXPECT_TRUE(is_acceptable_response("GSSAPI", std::string(auth::kMaxResponse, 't')));
  EXPECT_FALSE(is_acceptable_response("GSSAPI", std::string(auth::kMaxResponse + 1, 't')));
}

TEST(SaslResponse, OtherMechanismsMayUseEveryByteAndNone) {
  EXPECT_TRUE(is_acceptable_response("SCRAM-SHA-256", ""));
  EXPECT_TRUE(is_acceptable_response("OAUTHBEARER", "n,,\1auth=\0\1"sv));
}

}  // namespace

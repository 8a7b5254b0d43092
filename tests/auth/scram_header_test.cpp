#include "auth/scram_header.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace {

using namespace std::string_view_literals;
using Flag = auth::ScramHeader::Flag;

TEST(ScramHeader, FlagsAreThoseOfTheGs2Header) {  // RFC 5802 s7
  ASSERT_TRUE(auth::scram_header("n,,n=a,r=b"));
  EXPECT_EQ(auth::scram_header("n,,n=a,r=b")->flag, Flag::none);
  EXPECT_EQ(auth::scram_header("y,a=x,n=a,r=b")->flag, Flag::unseen);
  const auto used = auth::scram_header("p=tls-server-end-point,,n=a,r=b");
  ASSERT_TRUE(used);
  EXPECT_EQ(used->flag, Flag::used);
  EXPECT_EQ(used->binding, "tls-server-end-point");
}

TEST(ScramHeader, OtherBeginningsAreNone) {
  for (const auto text :
       {""sv, "n"sv, ",,"sv, "N,,"sv, "p,,"sv, "p=,,"sv, "p=a b,,"sv, "p=\0,,"sv, "q,,"sv, "n\0,,"sv}) {
    EXPECT_FALSE(auth::scram_header(text)) << text;
  }
}

TEST(ScramObjection, IsEmptyWhereFlagAndOfferFit) {
  EXPECT_EQ(auth::scram_objection("p=tls-exporter,,", {"scram-sha-256-plus", "tls-exporter", true}), "");
  EXPECT_EQ(auth::scram_objection("n,,", {"SCRAM-SHA-256", "tls-exporter", true}), "");
  EXPECT_EQ(auth::scram_objection("n,,", {"SCRAM-SHA-256", "", false}), "");
  EXPECT_EQ(auth::scram_objection("y,,", {"SCRAM-SHA-256", "", false}), "");
}

TEST(ScramObjection, NamesWhatDoesNotFit) {
  EXPECT_NE(auth::scram_objection("y,,", {"SCRAM-SHA-256", "tls-exporter", true}), "");
  EXPECT_NE(auth::scram_objection("n,,", {"SCRAM-SHA-256-PLUS", "tls-exporter", true}), "");
  EXPECT_NE(auth::scram_objection("p=tls-unique,,", {"SCRAM-SHA-256-PLUS", "tls-exporter", true}), "");
  EXPECT_NE(auth::scram_objection("p=TLS-EXPORTER,,", {"SCRAM-SHA-256-PLUS", "tls-exporter", true}), "");
  EXPECT_NE(auth::scram_objection("p=tls-unique,,", {"SCRAM-SHA-256-PLUS", "", true}), "");
  EXPECT_NE(auth::scram_objection("p=tls-unique,,", {"SCRAM-SHA-256", "tls-unique", true}), "");
  EXPECT_NE(auth::scram_objection("garbage", {"SCRAM-SHA-256", "", false}), "");
}

}  // namespace

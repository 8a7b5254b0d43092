#include "auth/local_domain.hpp"

#include <gtest/gtest.h>

namespace {

TEST(LocalDomain, DomainFollowsTheFirstDot) {
  EXPECT_EQ(auth::domain_of_host("mail.example.test"), "example.test");
  EXPECT_EQ(auth::domain_of_host("localhost"), "");
  EXPECT_EQ(auth::domain_of_host("host."), "");
  EXPECT_EQ(auth::domain_of_host(""), "");
}

TEST(LocalDomain, WhatIsNoAddressHasNoDomain) {
  EXPECT_EQ(auth::domain_of_address(""), "");
  EXPECT_EQ(auth::domain_of_address("mail.example.test"), "");
  EXPECT_EQ(auth::domain_of_address("127.0.0.1.5"), "");
}

}  // namespace

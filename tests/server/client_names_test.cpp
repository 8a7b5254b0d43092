#include "server/client_names.hpp"

#include <gtest/gtest.h>

namespace server {
namespace {

TEST(ClientNames, OnlyWhatLooksLikeTheNameOfAHostIsShown) {
  for (const std::string_view name : {"localhost", "mail-1.example.org", "_x.example", "10.in-addr.arpa"}) {
    EXPECT_TRUE(is_host_name(name)) << name;
  }
  for (const std::string_view name :
       {"", "[192.0.2.1]", "a b", "a\nb", "a\x1b", "m\xc3\xbcller.example", "a(b)", "a=b"}) {
    EXPECT_FALSE(is_host_name(name)) << name;
  }
}

}  // namespace
}  // namespace server

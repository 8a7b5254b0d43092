#include "net/ip_address.hpp"

#include <gtest/gtest.h>

namespace net {
namespace {

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

TEST(IpAddress, ReadsBothFamiliesAndNothingElse) {
  EXPECT_EQ(address("192.0.2.1").text(), "192.0.2.1");
  EXPECT_EQ(address("2001:DB8:0::1").text(), "2001:db8::1");
  EXPECT_EQ(address("::ffff:192.0.2.1").text(), "192.0.2.1");
  EXPECT_TRUE(address("::ffff:192.0.2.1").is_v4());
  for (const std::string_view text :
       {"", "1", "192.0.2", "192.0.2.256", "192.0.2.01", " 192.0.2.1", "192.0.2.1 ", "::1%lo", "1::2::3", "localhost",
        "0000:0000:0000:0000:0000:0000:0000:00000000000001"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("::1\0", 4)));
}

TEST(IpAddress, OfV6TheFirst64BitsAreOneHousehold) {
  EXPECT_EQ(address("192.0.2.1").household().text(), "192.0.2.1");
  EXPECT_EQ(address("2001:db8:1:2:3:4:5:6").household().text(), "2001:db8:1:2::");
  EXPECT_EQ(address("2001:db8:1:2:3:4:5:6").site().text(), "2001:db8:1::");
  EXPECT_EQ(address("2001:db8:1:2:3:4:5:6").network(61).text(), "2001:db8:1::");
}

TEST(Networks, ContainTheirAddressesOfTheirFamily) {
  const auto networks = Networks::parse("127.0.0.0/8, ::1\t10.1.2.3/31 2001:db8::/33 0.0.0.0/32").value();
  for (const auto* text : {"127.0.0.1", "127.255.255.255", "::1", "10.1.2.2", "10.1.2.3", "2001:db8:7fff::1",
                           "::ffff:127.0.0.1", "0.0.0.0"}) {
    EXPECT_TRUE(networks.contains(address(text))) << text;
  }
  for (const auto* text : {"128.0.0.1", "::2", "10.1.2.4", "2001:db8:8000::1", "7f00::1", "::"}) {
    EXPECT_FALSE(networks.contains(address(text))) << text;
  }
}

TEST(Networks, MayBeAllOrNone) {
  EXPECT_TRUE(Networks::parse("0.0.0.0/0").value().contains(address("192.0.2.1")));
  EXPECT_FALSE(Networks::parse("0.0.0.0/0").value().contains(address("2001:db8::1")));
  EXPECT_TRUE(Networks::parse("").value().empty());
  EXPECT_FALSE(Networks::parse(" , ").value().contains(address("::")));
}

TEST(Networks, NameTheWordThatIsNone) {
  for (const std::string word : {"127.0.0.1/33", "::1/129", "127.0.0.1/", "127.0.0.1/-1", "127.0.0.1/8x", "/8",
                                 "localhost", "10/8", "127.0.0.1/8/8"}) {
    const auto networks = Networks::parse("::1 " + word);
    ASSERT_FALSE(networks) << word;
    EXPECT_NE(networks.error().text.find(word), std::string::npos) << networks.error().text;
  }
}

}  // namespace
}  // namespace net

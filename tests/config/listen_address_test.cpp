#include "config/listen_address.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using config::ListenAddress;
using config::parse_listen;

/// "host|port" or the path of a value; the error's text when there is one.
std::string read(std::string_view text) {
  const auto address = parse_listen(text);
  if (!address) return address.error().text;
  if (address->kind == ListenAddress::unix_socket) return address->path;
  return address->host + "|" + address->port;
}

TEST(Listen, IsAPathWhenItBeginsWithASlash) {
  const auto address = parse_listen("/run/cyrus/socket/lmtp");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->kind, ListenAddress::unix_socket);
  EXPECT_EQ(address->path, "/run/cyrus/socket/lmtp");
  EXPECT_EQ(read("/a:b[c]"), "/a:b[c]");
}

TEST(Listen, RefusesAPathThatDoesNotFitIntoASocketAddress) {
  EXPECT_EQ(read("/" + std::string(106, 'p')), "/" + std::string(106, 'p'));
  const auto address = parse_listen("/" + std::string(107, 'p'));
  ASSERT_FALSE(address);
  EXPECT_TRUE(address.error().text.ends_with(": too long"));
}

TEST(Listen, IsAPortOrServiceOnAllAddresses) {
  EXPECT_EQ(parse_listen("110")->kind, ListenAddress::inet);
  EXPECT_EQ(read("110"), "|110");
  EXPECT_EQ(read("pop3"), "|pop3");
  EXPECT_EQ(read(":110"), "|110");
}

TEST(Listen, IsAHostAndAPort) {
  EXPECT_EQ(read("127.0.0.1:110"), "127.0.0.1|110");
  EXPECT_EQ(read("mail.example:pop3s"), "mail.example|pop3s");
}

TEST(Listen, IsAnAddressInBracketsAndAPort) {
  EXPECT_EQ(read("[::1]:110"), "::1|110");
  EXPECT_EQ(read("[127.0.0.1]:sieve"), "127.0.0.1|sieve");
  EXPECT_EQ(read("[fe80::1%eth0]:110"), "fe80::1%eth0|110");
}

TEST(Listen, LeavesThePortToTheKernelBehindBracketsOrWithZero) {
  EXPECT_EQ(read("[::1]"), "::1|0");
  EXPECT_EQ(read(":0"), "|0");
}

TEST(Listen, RefusesAMissingPort) {
  EXPECT_EQ(read("localhost:"), "invalid listen 'localhost:': the port is missing");
  EXPECT_EQ(read("[::1]:"), "invalid listen '[::1]:': the port is missing");
  EXPECT_EQ(read(":"), "invalid listen ':': the port is missing");
}

TEST(Listen, RefusesBracketsThatAreNotWhole) {
  EXPECT_EQ(read("[::1"), "invalid listen '[::1': ']' is missing");
  EXPECT_EQ(read("[::1]110"), "invalid listen '[::1]110': behind ']' there must be ':' and a port");
  EXPECT_EQ(read("[]:110"), "invalid listen '[]:110': there is no address between the brackets");
}

TEST(Listen, RefusesAnIpv6AddressWithoutBrackets) {
  EXPECT_EQ(read("::1:110"), "invalid listen '::1:110': an IPv6 address must stand in brackets");
}

TEST(Listen, RefusesAPortOutOfRangeInsteadOfWrappingIt) {
  EXPECT_EQ(read("65535"), "|65535");
  EXPECT_EQ(read("70000"), "invalid listen '70000': the port is greater than 65535");
  EXPECT_EQ(read("h:99999999999999999999"), "invalid listen 'h:99999999999999999999': the port is greater than 65535");
}

TEST(Listen, RefusesBlanksControlCharactersAndNothing) {
  EXPECT_FALSE(parse_listen(""));
  EXPECT_FALSE(parse_listen("a b:110"));
  EXPECT_FALSE(parse_listen(std::string_view("/a\0b", 4)));
  EXPECT_FALSE(parse_listen("localhost:110\n"));
}

TEST(Listen, RefusesAHostTooLongToLookUp) { EXPECT_FALSE(parse_listen(std::string(2000, 'h') + ":110")); }

}  // namespace

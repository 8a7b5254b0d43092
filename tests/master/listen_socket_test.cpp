#include "master/listen_socket.hpp"

#include "master/temp_folder.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace master {
namespace {

std::uint16_t port_of(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length), 0);
  return ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
}

int option_of(int fd, int level, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, option, &value, &length), 0);
  return value;
}

bool has_ipv6() {
  const auto addresses = resolve(Endpoint{"", "::1", "0", "tcp6"});
  return addresses && !addresses->empty() && open_listener(addresses->front(), {}).has_value();
}

TEST(ListenSocket, AnIpv4AddressListensWithReuseaddr) {
  const auto addresses = resolve(Endpoint{"", "127.0.0.1", "0", "tcp"});
  ASSERT_TRUE(addresses.has_value());
  ASSERT_EQ(addresses->size(), 1U);
  EXPECT_EQ(family_name(addresses->front()), "ipv4");
  const auto fd = open_listener(addresses->front(), {});
  ASSERT_TRUE(fd.has_value()) << fd.error().text;
  EXPECT_GT(port_of(fd->value()), 0);
  EXPECT_EQ(option_of(fd->value(), SOL_SOCKET, SO_ACCEPTCONN), 1);
  EXPECT_EQ(option_of(fd->value(), SOL_SOCKET, SO_REUSEADDR), 1);
}

TEST(ListenSocket, AnIpv6AddressServesIpv6Only) {
  if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
  const auto addresses = resolve(Endpoint{"", "::1", "0", "tcp"});
  ASSERT_TRUE(addresses.has_value());
  EXPECT_EQ(family_name(addresses->front()), "ipv6");
  EXPECT_EQ(addresses->front().text, "[::1]:0");
  const auto fd = open_listener(addresses->front(), {});
  ASSERT_TRUE(fd.has_value());
  EXPECT_EQ(option_of(fd->value(), IPPROTO_IPV6, IPV6_V6ONLY), 1);
}

TEST(ListenSocket, APortAloneMeansEveryFamilyAndBothCanBeBoundTogether) {
  if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
  const auto free = open_listener(resolve(Endpoint{"", "127.0.0.1", "0", "tcp4"})->front(), {});
  ASSERT_TRUE(free.has_value());
  const std::string port = std::to_string(port_of(free->value()));
  const auto addresses = resolve(Endpoint{"", "", port, "tcp"});
  ASSERT_TRUE(addresses.has_value());
  ASSERT_EQ(addresses->size(), 2U);
  EXPECT_NE(addresses->at(0).family, addresses->at(1).family);
  EXPECT_EQ(resolve(Endpoint{"", "", port, "tcp4"})->size(), 1U);
}

TEST(ListenSocket, ABusyPortNamesTheAddressAndTheReason) {
  const auto first = open_listener(resolve(Endpoint{"", "127.0.0.1", "0", "tcp"})->front(), {});
  ASSERT_TRUE(first.has_value());
  const std::string port = std::to_string(port_of(first->value()));
  const auto second = open_listener(resolve(Endpoint{"", "127.0.0.1", port, "tcp"})->front(), {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().text, "cannot bind 127.0.0.1:" + port + ": Address already in use");
  EXPECT_EQ(second.error().errnum, EADDRINUSE);
}

TEST(ListenSocket, AUdpSocketIsBoundAndDoesNotListen) {
  const auto addresses = resolve(Endpoint{"", "127.0.0.1", "0", "udp"});
  ASSERT_TRUE(addresses.has_value());
  const auto fd = open_listener(addresses->front(), {});
  ASSERT_TRUE(fd.has_value());
  EXPECT_EQ(option_of(fd->value(), SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
  EXPECT_GT(port_of(fd->value()), 0);
}

TEST(ListenSocket, AUnixSocketIsOpenToEverybodyWhateverTheUmask) {
  const TempFolder folder;
  const mode_t old = ::umask(077);
  const auto fd = open_listener(resolve(Endpoint{folder / "s", "", "", "tcp"})->front(), {});
  EXPECT_EQ(::umask(old), 077U);
  ASSERT_TRUE(fd.has_value()) << fd.error().text;
  struct stat status = {};
  ASSERT_EQ(::stat((folder / "s").c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777, 0777U);
  EXPECT_EQ(option_of(fd->value(), SOL_SOCKET, SO_ACCEPTCONN), 1);
}

TEST(ListenSocket, AnOldUnixSocketMakesWay) {
  const TempFolder folder;
  const auto address = resolve(Endpoint{folder / "s", "", "", "tcp"})->front();
  { ASSERT_TRUE(open_listener(address, {}).has_value()); }
  EXPECT_TRUE(open_listener(address, {}).has_value());
}

TEST(ListenSocket, AFileThatIsNoSocketIsKept) {
  const TempFolder folder;
  folder.write("mail", "precious");
  const auto fd = open_listener(resolve(Endpoint{folder / "mail", "", "", "tcp"})->front(), {});
  ASSERT_FALSE(fd.has_value());
  EXPECT_EQ(folder.read("mail"), "precious");
}

TEST(ListenSocket, APathThatDoesNotFitIsRefused) {
  EXPECT_TRUE(resolve(Endpoint{"/" + std::string(106, 'x'), "", "", "tcp"}).has_value());
  EXPECT_FALSE(resolve(Endpoint{"/" + std::string(107, 'x'), "", "", "tcp"}).has_value());
}

TEST(ListenSocket, WhatCannotBeResolvedIsAnError) {
  EXPECT_FALSE(resolve(Endpoint{"", "127.0.0.1", "no-such-port", "tcp"}).has_value());
  EXPECT_FALSE(resolve(Endpoint{"", "127.0.0.1", "70000", "tcp"}).has_value());
  EXPECT_FALSE(resolve(Endpoint{"", "127.0.0.1", "99999999999999999999", "tcp"}).has_value());
  EXPECT_FALSE(resolve(Endpoint{"", "127.0.0.1", "0", "sctp"}).has_value());
  EXPECT_FALSE(resolve(Endpoint{"", "127.0.0.1", "0", "tcp5"}).has_value());
  EXPECT_FALSE(resolve(Endpoint{"", "127.0.0.1", "0", ""}).has_value());
}

TEST(TypeOfService, IsTheDiffservCodeInItsPlace) {
  EXPECT_EQ(type_of_service("cs0"), 0);
  EXPECT_EQ(type_of_service("cs1"), 0x20);
  EXPECT_EQ(type_of_service("cs7"), 0xe0);
  EXPECT_EQ(type_of_service("af11"), 0x28);
  EXPECT_EQ(type_of_service("af43"), 0x98);
  EXPECT_EQ(type_of_service("ef"), 0xb8);
  EXPECT_EQ(type_of_service("af44"), 0);
  EXPECT_EQ(type_of_service(""), 0);
}

}  // namespace
}  // namespace master

#include "net/keep_alive.hpp"

#include "base/unique_fd.hpp"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace net {
namespace {

int option(int socket, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  EXPECT_EQ(::getsockopt(socket, level, name, &value, &length), 0);
  return value;
}

TEST(KeepAlive, SetsWhatIsNamedAndLeavesTheRestToTheSystem) {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int usual = option(socket.value(), IPPROTO_TCP, TCP_KEEPINTVL);
  keep_alive(socket.value(), {true, 5, std::chrono::seconds(77), std::chrono::seconds(0)});
  EXPECT_EQ(option(socket.value(), SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(socket.value(), IPPROTO_TCP, TCP_KEEPCNT), 5);
  EXPECT_EQ(option(socket.value(), IPPROTO_TCP, TCP_KEEPIDLE), 77);
  EXPECT_EQ(option(socket.value(), IPPROTO_TCP, TCP_KEEPINTVL), usual);
}

TEST(KeepAlive, OffNothingIsTouched) {
  const base::UniqueFd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int usual = option(socket.value(), IPPROTO_TCP, TCP_KEEPIDLE);
  keep_alive(socket.value(), {false, 5, std::chrono::seconds(77), std::chrono::seconds(7)});
  EXPECT_EQ(option(socket.value(), SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(option(socket.value(), IPPROTO_TCP, TCP_KEEPIDLE), usual);
}

TEST(KeepAlive, TimesThatTheSystemDoesNotTakeBecomeItsLongest) {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  keep_alive(socket.value(), {true, 0, std::chrono::hours(1000), std::chrono::seconds(-1)});
  EXPECT_EQ(option(socket.value(), IPPROTO_TCP, TCP_KEEPIDLE), 32767);
}

TEST(KeepAlive, LeavesUnixSocketsAlone) {
  const base::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  keep_alive(socket.value(), {true, 5, std::chrono::seconds(77), std::chrono::seconds(7)});
  EXPECT_EQ(option(socket.value(), SOL_SOCKET, SO_KEEPALIVE), 0);
}

}  // namespace
}  // namespace net

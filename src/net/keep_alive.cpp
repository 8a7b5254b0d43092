#include "net/keep_alive.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace net {
namespace {

void set(int socket, int level, int option, std::chrono::seconds::rep value) noexcept {
  if (value <= 0) return;
  const auto wanted =
      static_cast<int>(std::min<std::chrono::seconds::rep>(value, std::numeric_limits<std::int16_t>::max()));
  static_cast<void>(::setsockopt(socket, level, option, &wanted, sizeof wanted));
}

}  // namespace

void keep_alive(int socket, const KeepAlive& wanted) noexcept {
  int protocol = 0;
  socklen_t length = sizeof protocol;
  if (!wanted.on || ::getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) != 0) return;
  if (protocol != IPPROTO_TCP) return;
  set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(socket, IPPROTO_TCP, TCP_KEEPCNT, wanted.probes);
  set(socket, IPPROTO_TCP, TCP_KEEPIDLE, wanted.idle.count());
  set(socket, IPPROTO_TCP, TCP_KEEPINTVL, wanted.interval.count());
}

}  // namespace net

#include "server/stdio_bridge.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace server {
namespace {

/// Copies until the end of `from` or until `to` takes no more. Blocks.
void copy(int from, int to) {
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = ::write(to, buffer.data() + done, static_cast<std::size_t>(got - done));
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return;
      done += put;
    }
  }
}

}  // namespace

bool stdin_is_connection() {
  sockaddr_storage peer = {};
  socklen_t length = sizeof peer;
  return ::getpeername(STDIN_FILENO, reinterpret_cast<sockaddr*>(&peer), &length) == 0;
}

base::Result<StdioBridge> StdioBridge::open() {
  StdioBridge bridge;
  if (stdin_is_connection()) {
    bridge.session_end_.reset(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    if (!bridge.session_end_) return base::fail_system("standard input", errno);
    return bridge;
  }
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return base::fail_system("socketpair", errno);
  }
  bridge.session_end_.reset(ends[0]);
  bridge.our_end_.reset(ends[1]);
  // Detached: a read from a terminal cannot be called back, and the process ends soon after the session.
  std::thread([fd = ends[1]] {
    copy(STDIN_FILENO, fd);
    ::shutdown(fd, SHUT_WR);
  }).detach();
  bridge.output_ = std::thread([fd = ends[1]] { copy(fd, STDOUT_FILENO); });
  return bridge;
}

void StdioBridge::finish() {
  if (output_.joinable()) output_.join();
}

}  // namespace server

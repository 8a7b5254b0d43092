#include "service/status.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <unistd.h>

namespace service {

static_assert(sizeof(Status) == kStatusBytes, "two native 32-bit integers and nothing between them");

std::array<std::byte, kStatusBytes> encode(const Status& status) {
  std::array<std::byte, kStatusBytes> bytes{};
  std::memcpy(bytes.data(), &status.message, sizeof status.message);
  std::memcpy(bytes.data() + sizeof status.message, &status.pid, sizeof status.pid);
  return bytes;
}

Status decode(std::span<const std::byte, kStatusBytes> bytes) {
  Status status{};
  std::memcpy(&status.message, bytes.data(), sizeof status.message);
  std::memcpy(&status.pid, bytes.data() + sizeof status.message, sizeof status.pid);
  return status;
}

base::Result<void> StatusPipe::send(Message message) const {
  if (fd_ < 0) return {};
  const auto bytes = encode(Status{static_cast<std::int32_t>(message), ::getpid()});
  const std::string what = "unable to tell master " + std::to_string(static_cast<std::int32_t>(message));
  for (;;) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written == static_cast<ssize_t>(bytes.size())) return {};
    if (written >= 0) return base::fail(base::Errc::io, what + ": short write, not a pipe");
    const int error = errno;
    if (error == EINTR) continue;
    base::Error failure = base::system_error(what, error);
    if (error == EPIPE) failure.code = base::Errc::closed;
    if (error == EAGAIN) failure.code = base::Errc::would_block;
    return tl::unexpected<base::Error>(std::move(failure));
  }
}

}  // namespace service

#include "service/status_reader.hpp"

#include <array>
#include <cerrno>
#include <span>
#include <unistd.h>

namespace service {

base::Result<StatusBatch> read_statuses(int fd) {
  std::array<std::byte, kMaxBatch * kStatusBytes> buffer;
  ssize_t got = 0;
  do {
    got = ::read(fd, buffer.data(), buffer.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    const int error = errno;
    if (error == EAGAIN) return StatusBatch{};
    return base::fail_system("status pipe", error);
  }
  if (got == 0) return base::fail(base::Errc::closed, "status pipe: no writer is left");

  const auto bytes = std::span<const std::byte>(buffer).first(static_cast<std::size_t>(got));
  StatusBatch batch;
  batch.stray_bytes = bytes.size() % kStatusBytes;
  batch.messages.reserve(bytes.size() / kStatusBytes);
  for (std::size_t at = 0; at + kStatusBytes <= bytes.size(); at += kStatusBytes) {
    batch.messages.push_back(decode(bytes.subspan(at).first<kStatusBytes>()));
  }
  return batch;
}

}  // namespace service

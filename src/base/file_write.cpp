#include "base/file_write.hpp"

#include <cerrno>
#include <string>
#include <unistd.h>

namespace base {

Result<void> write_exactly(int fd, std::span<const unsigned char> bytes, std::uint64_t offset, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return fail_system("write " + std::string(what), errno);
    // POSIX does not promise progress for a count above 0; without it this would never end.
    if (wrote == 0) return fail(Errc::io, "write " + std::string(what) + ": nothing was taken");
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    offset += static_cast<std::uint64_t>(wrote);
  }
  return {};
}

Result<void> sync_data(int fd, std::string_view what) {
  // Not again after EINTR: the state of the pages is as unknown as after EIO.
  if (::fdatasync(fd) != 0) return fail_system("fdatasync " + std::string(what), errno);
  return {};
}

Result<void> sync_file(int fd, std::string_view what) {
  if (::fsync(fd) != 0) return fail_system("fsync " + std::string(what), errno);
  return {};
}

}  // namespace base

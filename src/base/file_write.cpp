#include "base/file_write.hpp"

#include "base/unique_fd.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
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

void begin_sync(int fd) noexcept {
  // Where it is not possible, the sync that follows does it all.
  static_cast<void>(::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
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

Result<void> replace_file(const std::filesystem::path& file, const std::filesystem::path& next, std::string_view text) {
  const std::string what = next.native();
  UniqueFd fd;
  do {
    fd.reset(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0666));
  } while (!fd && errno == EINTR);
  if (!fd) return fail_system(what, errno);
  const auto write_and_rename = [&]() -> Result<void> {
    struct stat status = {};
    if (::fstat(fd.value(), &status) != 0) return fail_system(what, errno);
    if (!S_ISREG(status.st_mode)) return fail(Errc::io, what + ": not a regular file");
    const std::span bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size());
    if (auto written = write_exactly(fd.value(), bytes, 0, what); !written) return written;
    if (auto synced = sync_file(fd.value(), what); !synced) return synced;
    if (std::rename(next.c_str(), file.c_str()) != 0) return fail_system("rename " + what, errno);
    return {};
  };
  auto done = write_and_rename();
  // Only tidying up: the next writer would overwrite it.
  if (!done) static_cast<void>(::unlink(next.c_str()));
  return done;
}

}  // namespace base

#include "base/file_io.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace base {

Result<UniqueFd> open_file(const std::filesystem::path& path, int flags) {
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
    if (fd >= 0) return UniqueFd{fd};
    if (errno != EINTR) return fail_system(path.native(), errno);
  }
}

Result<std::size_t> read_some(int fd, std::span<char> into, std::uint64_t offset, std::string_view what) {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_system(what, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<std::size_t> read_cached(int fd, std::span<char> into, std::uint64_t offset, std::string_view what) {
  const iovec piece{into.data(), into.size()};
  for (;;) {
    const ssize_t got = ::preadv2(fd, &piece, 1, static_cast<off_t>(offset), RWF_NOWAIT);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EINTR) continue;
    // File systems without RWF_NOWAIT say EOPNOTSUPP: the pool reads for them.
    if (errno == EAGAIN || errno == EOPNOTSUPP) return fail(Errc::would_block, std::string(what));
    return fail_system(what, errno);
  }
}

Result<void> read_exactly(int fd, std::span<unsigned char> into, std::uint64_t offset, std::string_view what) {
  const auto got = read_some(fd, std::span(reinterpret_cast<char*>(into.data()), into.size()), offset, what);
  if (!got) return tl::unexpected(got.error());
  if (*got != into.size()) {
    return fail(Errc::corrupt, std::string(what) + ": ends at octet " + std::to_string(offset + *got) + ", " +
                                   std::to_string(into.size() - *got) + " are missing");
  }
  return {};
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
  const auto fd = open_file(path, O_RDONLY | O_NONBLOCK);  // O_NONBLOCK: a FIFO must not hold us
  if (!fd) return tl::unexpected(fd.error());
  struct stat status = {};
  if (::fstat(fd->value(), &status) != 0) return fail_system(path.native(), errno);
  if (!S_ISREG(status.st_mode)) return fail(Errc::invalid, path.native() + ": not a regular file");
  if (static_cast<std::uint64_t>(status.st_size) > limit) {
    return fail(Errc::limit, path.native() + ": larger than " + std::to_string(limit) + " bytes");
  }
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  const auto got = read_some(fd->value(), std::span(text.data(), text.size()), 0, path.native());
  if (!got) return tl::unexpected(got.error());
  text.resize(*got);
  return text;
}

}  // namespace base

#include "cyrus/message_file.hpp"

#include "base/file_io.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cyrus {
namespace {

using base::Errc;
using maildrop::Access;

// O_NONBLOCK: open() of a FIFO without a writer would wait for ever.
constexpr int kOpenFlags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;

/// A descriptor, or -errno. glibc 2.36 has no wrapper for openat2(2).
int open_resolving(const char* path, std::uint64_t resolve) {
  struct open_how how = {};
  how.flags = static_cast<std::uint64_t>(kOpenFlags);
  how.resolve = resolve;
  for (;;) {
    const long fd = ::syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    if (errno != EINTR) return -errno;
  }
}

/// The fallback for kernels before 5.6 and for sandboxes that do not know openat2(2): links in directories are
/// followed.
int open_plainly(const char* path) {
  for (;;) {
    const int fd = ::open(path, kOpenFlags);
    if (fd >= 0) return fd;
    if (errno != EINTR) return -errno;
  }
}

int open_without_links(const char* path, Access access) {
  constexpr std::uint64_t kNoLinks = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  if (access == Access::cached_only) {
    const int fd = open_resolving(path, kNoLinks | RESOLVE_CACHED);
    // Whoever does not know the call or the flag cannot promise not to wait: EINVAL is Linux before 5.12, EPERM an
    // old container sandbox. The pool will find out whether anything is really wrong.
    return fd == -ENOSYS || fd == -EINVAL || fd == -EPERM ? -EAGAIN : fd;
  }
  const int fd = open_resolving(path, kNoLinks);
  return fd == -ENOSYS || fd == -EPERM ? open_plainly(path) : fd;
}

}  // namespace

base::Result<std::size_t> MessageFile::read(std::span<char> into, std::uint64_t offset, Access access) {
  if (offset >= size_) return std::size_t{0};
  const std::size_t wanted = std::min<std::uint64_t>(into.size(), size_ - offset);
  if (wanted == 0) return std::size_t{0};

  const std::span<char> piece = into.first(wanted);
  auto got = access == Access::cached_only ? base::read_cached(fd_.value(), piece, offset, what_)
                                           : base::read_some(fd_.value(), piece, offset, what_);
  // A short answer from the page cache may only mean that the next page is on disk.
  const bool is_short = got && (access == Access::cached_only ? *got == 0 : *got < wanted);
  if (is_short) {
    return base::fail(Errc::corrupt, what_ + ": ends at octet " + std::to_string(offset + *got) + " instead of " +
                                         std::to_string(size_) + "; run reconstruct");
  }
  return got;
}

base::Result<std::unique_ptr<maildrop::Message>> open_message_file(const std::filesystem::path& file,
                                                                   std::uint64_t octets, Access access,
                                                                   std::string_view mailbox) {
  std::string what = std::string(mailbox) + ": " + file.native();
  const auto corrupt = [&what](std::string_view text) {
    return base::fail(Errc::corrupt, what + ": " + std::string(text) + "; run reconstruct");
  };

  const int opened = open_without_links(file.c_str(), access);
  if (opened < 0) {
    if (opened == -EAGAIN && access == Access::cached_only) return base::fail(Errc::would_block, std::move(what));
    if (opened == -ELOOP) return corrupt("a symbolic link where a message file should be");
    if (opened == -ENXIO) return corrupt("not a regular file");  // a socket, or a device without a driver
    return base::fail_system(what, -opened);
  }
  base::UniqueFd fd(opened);

  struct stat status = {};
  if (::fstat(fd.value(), &status) != 0) return base::fail_system(what, errno);
  if (!S_ISREG(status.st_mode)) return corrupt("not a regular file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size != octets) {
    return corrupt(std::to_string(size) + " octets, but cyrus.index says " + std::to_string(octets));
  }
  return std::make_unique<MessageFile>(std::move(fd), size, std::move(what));
}

}  // namespace cyrus

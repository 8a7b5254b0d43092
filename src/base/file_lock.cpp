#include "base/file_lock.hpp"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <utility>

namespace base {

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  if (this != &other) {
    unlock();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Result<FileLock> FileLock::try_lock(int fd, LockMode mode, std::string_view what) {
  struct flock request = {};  // l_start and l_len 0: the whole file; l_pid must be 0 for OFD locks
  request.l_type = mode == LockMode::exclusive ? F_WRLCK : F_RDLCK;
  request.l_whence = SEEK_SET;
  while (::fcntl(fd, F_OFD_SETLK, &request) != 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EACCES) return fail(Errc::busy, std::string(what) + ": locked by another process");
    return fail_system(std::string("lock ") + std::string(what), errno);
  }
  return FileLock{fd};
}

void FileLock::unlock() noexcept {
  if (fd_ < 0) return;
  struct flock request = {};
  request.l_type = F_UNLCK;
  request.l_whence = SEEK_SET;
  // Unlocking a lock that is held cannot fail for a valid descriptor; closing the description would drop it anyway.
  static_cast<void>(::fcntl(fd_, F_OFD_SETLK, &request));
  fd_ = -1;
}

}  // namespace base

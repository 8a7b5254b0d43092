#pragma once

#include "base/result.hpp"

namespace base {

enum class LockMode { shared, exclusive };

/// A whole-file lock of the open file description (F_OFD_SETLK): it meets Cyrus's POSIX locks, two descriptors of one
/// process exclude each other, and closing another descriptor of the same file does not drop it.
///
/// Borrows the descriptor, which must outlive the lock. Unlocks on destruction.
class FileLock {
 public:
  FileLock() noexcept = default;
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() { unlock(); }

  /// Takes the lock or fails at once: Errc::busy when somebody else holds it. Never waits.
  /// `what` names the file in error texts. An exclusive lock needs a descriptor that is open for writing.
  static Result<FileLock> try_lock(int fd, LockMode mode, std::string_view what);

  void unlock() noexcept;
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  explicit FileLock(int fd) noexcept : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace base

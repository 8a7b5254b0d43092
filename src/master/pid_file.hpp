#pragma once

#include "base/file_lock.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <string>

namespace master {

/// The file that says which master runs. It stays locked as long as the object lives, so a second master is refused;
/// the lock meets the one that Cyrus's master takes. Symbolic links are not followed.
///
/// At the end the file is emptied, not removed: the user that services run as may have no right to its folder, and a
/// removed file could be locked by one master and made anew by another.
class PidFile {
 public:
  PidFile(PidFile&&) noexcept = default;
  PidFile& operator=(PidFile&&) = delete;
  ~PidFile();

  /// Creates the file (0644) or takes over the old one, and writes our pid with a LF.
  /// Errors: busy (another master); io, permission, not_found.
  static base::Result<PidFile> create(const std::string& path);

 private:
  PidFile(base::UniqueFd fd, base::FileLock lock) : fd_(std::move(fd)), lock_(std::move(lock)) {}

  base::UniqueFd fd_;
  base::FileLock lock_;  // borrows fd_, so it must go first
};

}  // namespace master

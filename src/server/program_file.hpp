#pragma once

#include <ctime>
#include <string>
#include <sys/types.h>

namespace server {

/// Notices that the program file was replaced after this process started, so that the process can make room for the
/// new one.
class ProgramFile {
 public:
  ProgramFile();

  /// True when the path of this program now names another file (inode, size or time). One stat(2): does not block for
  /// long. A path that cannot be looked at counts as unchanged.
  bool has_changed() const;

 private:
  std::string path_;
  ino_t inode_ = 0;
  off_t size_ = 0;
  timespec modified_ = {};
};

}  // namespace server

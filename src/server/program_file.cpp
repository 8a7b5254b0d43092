#include "server/program_file.hpp"

#include <filesystem>
#include <sys/stat.h>
#include <system_error>

namespace server {

ProgramFile::ProgramFile() {
  std::error_code error;
  path_ = std::filesystem::read_symlink("/proc/self/exe", error).native();
  struct stat file = {};
  if (error || ::stat(path_.c_str(), &file) != 0) {
    path_.clear();
    return;
  }
  inode_ = file.st_ino;
  size_ = file.st_size;
  modified_ = file.st_mtim;
}

bool ProgramFile::has_changed() const {
  struct stat file = {};
  if (path_.empty() || ::stat(path_.c_str(), &file) != 0) return false;
  return file.st_ino != inode_ || file.st_size != size_ || file.st_mtim.tv_sec != modified_.tv_sec ||
         file.st_mtim.tv_nsec != modified_.tv_nsec;
}

}  // namespace server

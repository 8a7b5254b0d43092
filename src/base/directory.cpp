#include "base/directory.hpp"

#include "base/file_io.hpp"
#include "base/file_write.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace base {

Result<void> sync_directory(const std::filesystem::path& directory) {
  const auto fd = open_file(directory, O_RDONLY | O_DIRECTORY);
  if (!fd) return tl::unexpected(fd.error());
  return sync_file(fd->value(), directory.native());
}

Result<void> make_directories(const std::filesystem::path& directory) {
  struct stat status = {};
  if (::stat(directory.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return {};
    return fail(Errc::io, directory.native() + ": is no directory");
  }
  if (errno != ENOENT || !directory.has_relative_path()) return fail_system(directory.native(), errno);
  if (auto made = make_directories(directory.parent_path()); !made) return made;
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return fail_system(directory.native(), errno);
  return sync_directory(directory.parent_path());
}

}  // namespace base

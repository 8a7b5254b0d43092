#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace support {

/// All names below `root` with what they hold, to compare a store before and after. Lock files are left out: taking a
/// lock makes them.
inline std::map<std::string, std::string> tree_contents(const std::filesystem::path& root) {
  namespace fs = std::filesystem;
  std::map<std::string, std::string> contents;
  for (auto at = fs::recursive_directory_iterator(root); at != fs::recursive_directory_iterator(); ++at) {
    if (at->is_directory() && at->path().filename() == "lock") {
      at.disable_recursion_pending();
      continue;
    }
    std::string& content = contents[at->path().native()];
    if (at->is_symlink()) {
      content = "-> " + fs::read_symlink(at->path()).native();
    } else if (at->is_regular_file()) {
      std::ifstream file(at->path(), std::ios::binary);
      content = "file " + std::string(std::istreambuf_iterator<char>(file), {});
    } else {
      content = at->is_directory() ? "directory" : "special";
    }
  }
  return contents;
}

}  // namespace support

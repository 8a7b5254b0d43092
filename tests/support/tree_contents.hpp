#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace support {

/// All names below `root` with what they hold, to compare a store before and after. Left out: lock files, which taking
/// a lock makes, and configdirectory/pillarbox, where we remember what we measured (cyrus/wire_sizes.hpp).
inline std::map<std::string, std::string> tree_contents(const std::filesystem::path& root) {
  namespace fs = std::filesystem;
  std::map<std::string, std::string> contents;
  for (auto at = fs::recursive_directory_iterator(root); at != fs::recursive_directory_iterator(); ++at) {
    if (at->is_directory() && (at->path().filename() == "lock" || at->path().filename() == "pillarbox")) {
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

/// The names that are different, new or gone; directories that came along with lock files are left out.
inline std::vector<std::string> differences(const std::map<std::string, std::string>& before,
                                            const std::map<std::string, std::string>& after) {
  std::vector<std::string> names;
  for (const auto& [name, content] : after) {
    const auto old = before.find(name);
    const bool is_new = old == before.end();
    if (is_new ? content != "directory" : old->second != content) names.push_back(name);
  }
  for (const auto& [name, content] : before) {
    if (!after.contains(name)) names.push_back(name);
  }
  return names;
}

}  // namespace support

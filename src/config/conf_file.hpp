#pragma once

#include "base/result.hpp"

#include <filesystem>
#include <string>

namespace config {

/// The largest configuration file that is read, in bytes.
inline constexpr std::size_t kMaxConfFileBytes = std::size_t{1} << 20;

/// The text of a configuration file. With CYRUS_PREFIX in the environment, that prefix in front of an absolute path is
/// tried first, and the plain path only when nothing is there.
///
/// Blocks on disk, but never on a FIFO. Errors: not_found, permission, io; invalid (not a regular file); limit.
base::Result<std::string> read_conf_file(const std::filesystem::path& path);

/// "FILE: line N", the beginning of every message about a line.
std::string place(const std::string& file, int line);

/// Errc::invalid with the text "FILE: line N: WHAT".
tl::unexpected<base::Error> fail_at(const std::string& file, int line, const std::string& what);

}  // namespace config

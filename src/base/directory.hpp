#pragma once

#include "base/result.hpp"

#include <filesystem>

namespace base {

/// Makes the names in `directory` durable: a file that was made, renamed or removed there is so after a crash too.
/// Blocks on disk. Errors: not_found; permission; io.
Result<void> sync_directory(const std::filesystem::path& directory);

/// `mkdir -p` with mode 0755 less the umask, durable: each directory that was missing, and its name in the one above,
/// is on disk afterwards. Others may make the same ones meanwhile. Blocks on disk. Errors: permission; io (also:
/// something in the way is no directory).
Result<void> make_directories(const std::filesystem::path& directory);

}  // namespace base

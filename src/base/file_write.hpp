#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace base {

/// Writes all of `bytes` at `offset`, with one pwrite unless the system takes less. After a failure some of them may
/// be written. Blocks on disk. `what` names the file in error texts.
Result<void> write_exactly(int fd, std::span<const unsigned char> bytes, std::uint64_t offset, std::string_view what);

/// fdatasync: the content, and what is needed to read it back, is on disk when this succeeds. After a failure nobody
/// knows what is.
Result<void> sync_data(int fd, std::string_view what);

/// fsync: as sync_data(), and all else about the file too.
Result<void> sync_file(int fd, std::string_view what);

}  // namespace base

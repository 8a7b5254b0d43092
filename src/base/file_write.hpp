#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace base {

/// Writes all of `bytes` at `offset`, with one pwrite unless the system takes less. After a failure some of them may
/// be written. Blocks on disk. `what` names the file in error texts.
Result<void> write_exactly(int fd, std::span<const unsigned char> bytes, std::uint64_t offset, std::string_view what);

/// Lets the disk begin to take what was written, so that several files that are synced one after the other take little
/// longer than one. Does not wait, and promises nothing.
void begin_sync(int fd) noexcept;

/// fdatasync: the content, and what is needed to read it back, is on disk when this succeeds. After a failure nobody
/// knows what is.
Result<void> sync_data(int fd, std::string_view what);

/// fsync: as sync_data(), and all else about the file too.
Result<void> sync_file(int fd, std::string_view what);

/// Puts a file with `text` in the place of `file`, or makes it: writes `next`, a name in the same directory that
/// belongs to the caller (whatever a crash left there goes), fsyncs and renames it. The name is durable after
/// sync_directory(). After a failure `file` is as it was. Mode 0666 less the umask. Blocks on disk. Errors: not_found
/// (no directory); permission; io.
Result<void> replace_file(const std::filesystem::path& file, const std::filesystem::path& next, std::string_view text);

}  // namespace base

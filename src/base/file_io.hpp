#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace base {

/// open(2) with O_CLOEXEC added, EINTR retried and the path in the error text. `flags` must not contain O_CREAT.
Result<UniqueFd> open_file(const std::filesystem::path& path, int flags);

/// Fills `into` from `offset` on. A file that ends earlier is Errc::corrupt: the caller knew how much must be there.
/// Blocks on disk. pread, never mmap: others may truncate the file under us, and that must be a value, not a signal.
Result<void> read_exactly(int fd, std::span<unsigned char> into, std::uint64_t offset, std::string_view what);

/// Up to `into.size()` bytes from `offset`; fewer only at the end of the file. Blocks on disk.
Result<std::size_t> read_some(int fd, std::span<char> into, std::uint64_t offset, std::string_view what);

/// As read_some, but from the page cache only: Errc::would_block when the disk is needed (preadv2 RWF_NOWAIT).
Result<std::size_t> read_cached(int fd, std::span<char> into, std::uint64_t offset, std::string_view what);

/// The whole regular file, of at most `limit` bytes (Errc::limit above). Blocks on disk.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit);

}  // namespace base

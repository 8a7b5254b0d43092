#pragma once

#include "base/result.hpp"
#include "base/steps_apart.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace cyrus {

/// cyrus.cache, open to be appended to (doc/format/cache.md). The caller holds the exclusive index lock of the mailbox
/// as long as this lives.
class CacheFile {
 public:
  /// Opens the file, or makes it when it is missing, for an index of this generation. `what` begins error texts.
  /// Blocks on disk. Errors: corrupt (not a regular file); permission; io.
  static base::Result<CacheFile> open(const std::filesystem::path& file, std::uint32_t generation, std::string what);

  /// Writes a record behind all others and returns its offset, which is never 0. Until an index record points there it
  /// is garbage that nobody reads. Blocks on disk. Errors: limit (no offset of 48 bits is left); io.
  base::Result<std::uint64_t> append(std::string_view record);

  /// Adds to `steps`: making durable what was appended.
  void add_sync(base::StepsApart& steps) const { steps.sync_data(fd_.value(), what_); }

  /// Gives back the room of what was appended and is not pointed to. False: it stays, as garbage.
  bool take_back() noexcept;

 private:
  CacheFile(base::UniqueFd fd, std::string what, std::uint64_t size)
      : fd_(std::move(fd)), what_(std::move(what)), size_before_(size) {}

  base::UniqueFd fd_;
  std::string what_;
  std::uint64_t size_before_;
};

}  // namespace cyrus

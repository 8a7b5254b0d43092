#pragma once

#include "base/file_lock.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "cyrus/index_header.hpp"
#include "cyrus/store_config.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

namespace cyrus {

/// A file of ours in the stage directory of a partition, PARTITION/stage./, where a message is written before it is
/// linked into mailboxes (doc/format/delivery.md). Removed on destruction.
///
/// It is locked as long as it lives, by which others tell it from what a killed process left behind.
class StageFile {
 public:
  /// Makes an empty file, and the directory if it is missing. Blocks on disk. Errors: invalid (no such partition);
  /// permission; io.
  static base::Result<StageFile> make(const StoreConfig::Roots& partitions, std::string_view partition);

  StageFile(StageFile&&) noexcept = default;
  StageFile& operator=(StageFile&& other) noexcept;
  ~StageFile();

  const std::filesystem::path& path() const { return path_; }
  /// Open for reading and writing.
  int fd() const { return fd_.value(); }

  /// Gives the file its time and, unless somebody else will, makes it durable; its name need not be. Blocks on disk.
  /// Errors: io.
  base::Result<void> complete(Time modified, bool durable = true);

 private:
  StageFile(std::filesystem::path path, base::UniqueFd fd, base::FileLock lock);

  std::filesystem::path path_;  // empty: moved from
  base::UniqueFd fd_;
  base::FileLock lock_;
};

/// A copy of a complete file of `octets` on another partition, complete too. Blocks on disk. Errors: as make().
base::Result<StageFile> copy_stage_file(const StageFile& from, std::uint64_t octets, Time modified,
                                        const StoreConfig::Roots& partitions, std::string_view partition);

/// Removes the stage files that earlier processes of ours left behind when they were killed. Files of processes that
/// live, and those of Cyrus, are not touched. To be called once when a program starts. Blocks on disk. Returns how many
/// were removed; a partition that cannot be read is passed over.
std::size_t remove_stale_stage_files(const StoreConfig& config);

}  // namespace cyrus

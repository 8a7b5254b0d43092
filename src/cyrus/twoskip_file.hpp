#pragma once

#include "base/file_lock.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "cyrus/twoskip_format.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace cyrus {

/// What is asked of a disk when a twoskip file changes. The plain system calls; tests derive from it to record them, or
/// to let one fail. `what` names the file in error texts. Errors: io; permission.
class TwoskipDisk {
 public:
  TwoskipDisk() = default;
  TwoskipDisk(const TwoskipDisk&) = delete;
  TwoskipDisk& operator=(const TwoskipDisk&) = delete;
  virtual ~TwoskipDisk() = default;

  /// All of `bytes`, by pwrite(2).
  virtual base::Result<void> write(int fd, std::span<const unsigned char> bytes, std::uint64_t offset,
                                   const std::string& what);
  /// fsync(2).
  virtual base::Result<void> sync(int fd, const std::string& what);
  /// fdatasync(2).
  virtual base::Result<void> sync_data(int fd, const std::string& what);
  virtual base::Result<void> truncate(int fd, std::uint64_t size, const std::string& what);
  virtual base::Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to);
  /// Makes the names in a directory durable.
  virtual base::Result<void> sync_directory(const std::filesystem::path& directory);

  /// The one that is used unless told otherwise. Has no state.
  static TwoskipDisk& plain();
};

/// A database file of Cyrus, open and locked as a whole, and the very one that its path names: the inode is compared
/// once the lock is held, because a rewritten database is renamed into place (doc/format/twoskip.md).
///
/// Files are read and written with pread and pwrite, never mapped. Blocks on disk.
class TwoskipFile {
 public:
  enum class Missing { fail, create };

  /// Takes the lock, shared or exclusive, without waiting. `Missing::create` makes an empty file, as Cyrus does, when
  /// there is none. `disk` must outlive the file. Errors: not_found; busy; unsupported (not a regular file);
  /// permission; io.
  static base::Result<TwoskipFile> open(std::filesystem::path path, base::LockMode mode,
                                        Missing missing = Missing::fail, TwoskipDisk& disk = TwoskipDisk::plain());

  const std::filesystem::path& path() const { return path_; }
  std::string what() const { return path_.native(); }
  /// In octets, as of open() and of what was written through this object.
  std::uint64_t size() const { return size_; }
  /// Reads through the descriptor of this file: valid until it is closed or replaced.
  ReadAt reader() const;

  /// Behind the end, or over what is there; then a write that fails half way is taken back, as far as that can be done.
  base::Result<void> write(std::span<const unsigned char> bytes, std::uint64_t offset);
  base::Result<void> sync();
  base::Result<void> sync_data();
  base::Result<void> truncate(std::uint64_t size);

  /// An empty file beside this one, PATH.NEW, exclusively locked, with the same owner and mode. One that a crash left
  /// there is removed: whoever holds the exclusive lock of this file owns that name. Errors: permission; io.
  base::Result<TwoskipFile> new_version() const;
  /// Gives `next`, made by new_version() and written, the name of this file, makes that durable and becomes it. After
  /// an error nothing must be written any more: `replaced` tells whether the name leads to the new file all the same.
  base::Result<void> replace_by(TwoskipFile next, bool& replaced);
  /// Removes the file itself, which is given up. For a new version that is not wanted.
  static void discard(TwoskipFile unwanted);

 private:
  TwoskipFile(std::filesystem::path path, TwoskipDisk& disk) : path_(std::move(path)), disk_(&disk) {}

  std::filesystem::path path_;
  TwoskipDisk* disk_;
  base::UniqueFd fd_;
  base::FileLock lock_;  // released before fd_ is closed
  std::uint64_t size_ = 0;
};

/// What kind of database a file is, told by its first octets.
enum class DatabaseKind { empty, twoskip, skiplist, other_binary, flat };
base::Result<DatabaseKind> database_kind(const ReadAt& read);

}  // namespace cyrus

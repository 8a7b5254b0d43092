#pragma once

#include "base/file_lock.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "cyrus/store_config.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

/// The file of one quota root (quota_db: quotalegacy; doc/format/quota.md).
namespace cyrus {

/// How much of each resource a mailbox uses, or how much that changes.
struct QuotaUsage {
  std::int64_t storage = 0;      ///< octets of messages
  std::int64_t messages = 0;     ///< their number
  std::int64_t annotations = 0;  ///< octets of annotations

  friend bool operator==(const QuotaUsage&, const QuotaUsage&) = default;
};

/// Where the file of `root` is. Errors: invalid (no possible mailbox name: it must not lead out of the quota
/// directory).
base::Result<std::filesystem::path> quota_file_path(std::string_view root, const StoreConfig& config);

/// The text of a quota file after `change` in mailbox `intname`, in the form that it has: the list of 3.0 and later, or
/// the words of older releases. Usage never goes below 0; what is not understood is kept. Pure.
/// `what` begins error texts. Errors: corrupt.
base::Result<std::string> add_quota_usage(std::string_view text, const QuotaUsage& change, std::string_view intname,
                                          std::string_view what);

/// A change of a quota file that is on disk, and can still be taken back: the file stays locked until this is gone.
class QuotaChange {
 public:
  /// Adds `change`, which mailbox `intname` caused: locks the file, writes FILE.NEW, fsyncs it and renames it. A root
  /// without a file has no usage to keep: nothing is done.
  ///
  /// Blocks on disk, never on locks. Errors, with everything as before: busy; corrupt; permission; io.
  static base::Result<QuotaChange> apply(const std::filesystem::path& file, const QuotaUsage& change,
                                         std::string_view intname, std::string what);

  /// Puts the text from before back. Errors: permission; io.
  base::Result<void> undo();

  /// False when there was no file.
  bool done() const { return static_cast<bool>(lock_); }

 private:
  QuotaChange() = default;
  base::Result<void> replace(std::string_view text);

  std::filesystem::path file_;
  std::string what_;
  std::string before_;
  // The lock is on the file that stands under the name now; the descriptor outlives it.
  base::UniqueFd fd_;
  base::FileLock lock_;
};

}  // namespace cyrus

#pragma once

#include "base/file_lock.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "base/steps_apart.hpp"
#include "base/unique_fd.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/store_config.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

/// The file of one quota root (quota_db: quotalegacy; doc/format/quota.md).
namespace cyrus {

/// How much of each resource a mailbox uses, or how much that changes.
struct QuotaUsage {
  std::int64_t storage = 0;      ///< octets of messages
  std::int64_t messages = 0;     ///< their number
  std::int64_t annotations = 0;  ///< octets of annotations
  std::int64_t folders = 0;      ///< mailboxes

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

/// A change of a quota file, which stays locked until this is gone: first it is prepared, then written, and then it can
/// still be taken back.
class QuotaChange {
 public:
  /// Locks the file, and finds out what `change`, which mailbox `intname` caused, makes of it. Writes nothing. A root
  /// without a file has no usage to keep: then nothing will be written.
  ///
  /// Blocks on disk, never on locks. Errors: busy; corrupt; permission; io.
  static base::Result<QuotaChange> prepare(const std::filesystem::path& file, const QuotaUsage& change,
                                           std::string_view intname, std::string what);

  /// As above, for another change: `edit` makes the new text of the old one, or an error of it.
  static base::Result<QuotaChange> prepare(const std::filesystem::path& file,
                                           const std::function<base::Result<std::string>(std::string_view)>& edit,
                                           std::string what);

  /// Writes FILE.NEW, fsyncs it and renames it. Blocks on disk. Errors, with everything as before: permission; io.
  base::Result<void> write();

  /// The first half of write(): FILE.NEW is there, durable and locked. `steps` renames it. Then published() or
  /// take_back_staged() must follow. Only when has_file(). Blocks on disk. Errors: permission; io.
  base::Result<void> stage(base::StepsApart& steps);
  /// The rename has happened.
  void published();
  /// It has happened or not: everything is as before. Errors: permission; io.
  base::Result<void> take_back_staged();

  /// After write(): puts the text from before back. Errors: permission; io.
  base::Result<void> undo();

  /// Takes back what a copy of this object in another process may have written before it died; here nothing was
  /// written. Others may have changed the file since: then their changes stay. Lets go of the file. Errors: busy (for
  /// long, by somebody else); corrupt; permission; io.
  base::Result<void> undo_of_lost_copy();

  /// False when there is no file.
  bool has_file() const { return static_cast<bool>(lock_); }

 private:
  QuotaChange() = default;
  base::Result<void> stage_text(std::string_view text);
  base::Result<void> replace(std::string_view text);
  std::filesystem::path next_file() const { return file_.native() + ".NEW"; }

  std::filesystem::path file_;
  QuotaUsage change_;
  std::string intname_;
  std::string what_;
  std::string before_;
  std::string after_;
  // The lock is on the file that stands under the name now; the descriptor outlives it.
  base::UniqueFd fd_;
  base::FileLock lock_;
  // Likewise of FILE.NEW, between stage() and what follows.
  base::UniqueFd next_fd_;
  base::FileLock next_lock_;
};

/// Prepares the change of the root that cyrus.header of mailbox `name` has; nullopt when there is no root, or nothing
/// to count. A root without a file is warned of. Errors: unsupported (quota_db is not quotalegacy); as prepare().
base::Result<std::optional<QuotaChange>> prepare_quota_change(const std::string& root, const QuotaUsage& usage,
                                                              const MailboxName& name, const StoreConfig& config,
                                                              const base::Log& log);

}  // namespace cyrus

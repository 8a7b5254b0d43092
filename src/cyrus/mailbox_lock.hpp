#pragma once

#include "base/file_lock.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/mailbox_record.hpp"
#include "cyrus/store_config.hpp"

#include <filesystem>
#include <string_view>
#include <vector>

namespace cyrus {

/// The locks of one mailbox that Cyrus processes take too, in their order (doc/format/locks.md):
///
///     lock_user()    $GLOBAL (only before exclusive locks), user lock of 3.4 to 3.10, user lock of 3.12 and later
///     ...            look the mailbox up in mailboxes.db: its name cannot change any more
///     lock_name()    name lock: its files will not be renamed or unlinked
///     ...            open cyrus.index
///     lock_index()   index lock: its content will not change
///
/// Nothing here waits: a lock that somebody else holds is Errc::busy, and the caller drops this object, which releases
/// what it has, in reverse order. So a session can neither deadlock nor hold up others while it is itself held up.
class MailboxLock {
 public:
  using LockMode = base::LockMode;

  /// Reading takes everything shared; a change takes user and index exclusive and the name shared.
  /// Lock files and their directories are created when missing. Blocks on disk. Errors: busy; permission; io.
  static base::Result<MailboxLock> lock_user(const MailboxName& name, const StoreConfig& config, LockMode mode);

  MailboxLock(MailboxLock&&) noexcept = default;
  MailboxLock& operator=(MailboxLock&&) = delete;  // would release in the wrong order
  ~MailboxLock();

  /// `record` must have been looked up under the user lock of this object. Errors: as lock_user().
  base::Result<void> lock_name(const MailboxRecord& record, const StoreConfig& config, LockMode mode);

  /// Takes over and locks `index`, a descriptor of cyrus.index that was opened under the name lock; it must be open for
  /// writing for LockMode::exclusive. `what` begins error texts. Errors: busy; io.
  base::Result<void> lock_index(base::UniqueFd index, LockMode mode, std::string_view what);

  /// After lock_user(): takes the exclusive lock of those who make, change or remove quota roots, and keeps it as long
  /// as the user lock. Asked for again, it is there already. Errors: as lock_user().
  base::Result<void> lock_quota_roots(const StoreConfig& config);

  /// Releases the index and the name lock, so that the next mailbox of the same owner can be locked. The descriptor of
  /// the index is closed.
  void release_mailbox();

  /// The descriptor given to lock_index(), open until the lock is released; -1 before.
  int index_fd() const { return has_index_ ? held_.back().fd.value() : -1; }

 private:
  // The descriptor outlives the lock on it: members are destroyed from the last to the first.
  struct Held {
    base::UniqueFd fd;
    base::FileLock lock;
  };

  MailboxLock() = default;
  base::Result<void> take(const std::filesystem::path& file, LockMode mode);

  std::vector<Held> held_;      // in the order in which they were taken
  std::size_t user_locks_ = 0;  // the first of held_
  bool has_quota_roots_ = false;
  bool has_name_ = false;
  bool has_index_ = false;
};

}  // namespace cyrus

#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "cyrus/index_header.hpp"
#include "cyrus/mailbox_creation.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/mailbox_record.hpp"
#include "cyrus/quota_root.hpp"
#include "cyrus/store_config.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cyrus {

/// What cyrus.index counts.
struct MailboxCounts {
  std::uint32_t messages = 0;
  std::uint32_t unseen = 0;
  std::uint64_t octets = 0;
};

/// One line of a list of mailboxes.
struct ListedMailbox {
  MailboxRecord record;
  std::optional<MailboxCounts> counts;  ///< when asked for, and the mailbox can be read and is not locked
};

/// Which mailboxes to list.
struct ListOptions {
  std::string user;      ///< only the tree of this userid; empty: all
  bool deleted = false;  ///< also DELETED..., tombstones and other names without a mailbox
  bool counts = false;
};

/// One mailbox in full.
struct MailboxInfo {
  MailboxRecord record;
  std::filesystem::path directory;  ///< of the message files
  IndexHeader header;
  std::string quota_root;  ///< empty: none
  std::vector<std::string> user_flags;
};

/// What makes an INBOX necessary: the options tell for which of them one is made.
enum class AutocreateFor { login, delivery };

/// Creates, deletes, lists and measures mailboxes beside live Cyrus processes (doc/format/create.md). One for each
/// process; thread-safe.
///
/// Every call blocks on disk and never waits for the lock of a mailbox: worker pool only. Errc::busy means that
/// somebody has one; what was done till then is a state that the same call goes on from, so callers call again until
/// StoreConfig::lock_timeout has passed. The other errors: invalid, not_found, unsupported (what we don't write,
/// nothing was changed), corrupt, permission, limit, io. Every text names the mailbox.
class MailboxAdmin {
 public:
  /// Opens nothing yet. `log` must outlive this.
  MailboxAdmin(StoreConfig config, const base::Log& log);

  const StoreConfig& config() const { return config_; }

  /// For an installation without any mail: makes the configuration and partition directories, and an empty
  /// mailboxes.db. Does nothing when there is one. Errors: invalid (there is none, but mail: it was lost, and must come
  /// back from db.backup1 or reconstruct -m); busy; permission; io.
  base::Result<void> make_store();

  /// The INBOX of a user, or a folder below. Errors: invalid (exists, or a name that we don't create); not_found (no
  /// INBOX above it).
  base::Result<MailboxRecord> create_mailbox(const MailboxName& name, const CreateOptions& options = {});

  /// As delete_mode says. An INBOX goes with all folders below it, last of them, and with the subscriptions, \Seen
  /// states and quota roots of its user; a folder with folders below is refused (invalid). Returns the names that they
  /// have now.
  base::Result<std::vector<MailboxName>> delete_mailbox(const MailboxName& name);

  base::Result<std::vector<ListedMailbox>> list_mailboxes(const ListOptions& options = {}) const;

  base::Result<MailboxInfo> mailbox_info(const MailboxName& name) const;

  /// See quota_assignment.hpp.
  base::Result<void> set_quota(const MailboxName& root, const QuotaLimits& limits);
  base::Result<void> remove_quota(const MailboxName& root);
  /// The root that counts a mailbox, with usage and limits; nullopt: none does. Errors: not_found (no such mailbox).
  base::Result<std::optional<QuotaRoot>> quota_of(const MailboxName& name) const;

  /// Makes the INBOX of `userid` if the autocreate options want one and there is none; with it come quota, folders,
  /// their access lists, special uses and subscriptions. True: it was made now. What of the rest fails is for the log,
  /// as in Cyrus. Where the options name groups it asks the name service, before any lock is taken, and for a few
  /// callers at a time: the others are told Errc::busy.
  base::Result<bool> autocreate_inbox(std::string_view userid, AutocreateFor reason);

 private:
  base::Result<bool> may_autocreate(const std::string& userid);
  base::Result<void> delete_inbox_rest(const MailboxRecord& inbox) const;

  const StoreConfig config_;
  const MailboxList mailboxes_;
  const base::Log& log_;
  std::atomic<int> group_lookups_ = 0;
};

}  // namespace cyrus

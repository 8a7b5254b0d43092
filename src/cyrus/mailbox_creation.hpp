#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "cyrus/mailbox_lock.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/mailbox_record.hpp"
#include "cyrus/store_config.hpp"

#include <string>
#include <vector>

namespace cyrus {

/// How a new mailbox shall be; what is empty follows Cyrus's rules.
struct CreateOptions {
  std::string partition;      ///< else that of the parent, or defaultpartition
  std::vector<AclEntry> acl;  ///< else that of the parent; for an INBOX all rights for its owner
  std::string special_use{};  ///< of RFC 6154, for its owner: "\Drafts"
};

/// Creates one mailbox in the tree of a user, and the parents of a folder that are missing below INBOX, as Cyrus does
/// (doc/format/create.md). `locks` has the exclusive user lock and nothing else, and so it returns.
///
/// A kill of this process leaves at worst an intermediate record, which the next attempt, ours or Cyrus's, uses again.
/// Success means that the mailbox is durable. Blocks on disk, never on the locks of
/// mailboxes. Errors: busy (call again); invalid (exists; no user's mailbox; no such partition); not_found (a folder of
/// a user without INBOX); unsupported (conversations, a quota_db, mailboxes.db or,
/// for a special use, annotation_db that is not written); corrupt;
/// permission; io. All texts begin with "mailbox NAME".
base::Result<MailboxRecord> create_mailbox_locked(MailboxLock& locks, const MailboxName& name,
                                                  const CreateOptions& options, const StoreConfig& config,
                                                  const base::Log& log);

/// All rights, as Cyrus writes them.
inline constexpr std::string_view kAllRights = "lrswipkxtecdan";

}  // namespace cyrus

#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_lock.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/quota_root.hpp"
#include "cyrus/store_config.hpp"

#include <vector>

namespace cyrus {

/// The mailboxes at and below `top`, each before those below it, without deleted and unusable ones. Errors: as
/// MailboxList::for_each().
base::Result<std::vector<MailboxRecord>> mailboxes_below(const MailboxName& top, const MailboxList& mailboxes);

/// Makes `root`, a mailbox in the tree of a user, a quota root with these limits, or changes those of one; then all
/// mailboxes at and below it that no nearer root counts are counted there (doc/format/quota.md).
///
/// `locks` has the exclusive user lock and nothing else; it keeps the lock of quota roots besides. What a crash or an
/// error leaves undone, the same call does later; meanwhile usage can be wrong, which quota -f repairs. Blocks on disk.
/// Errors: busy; not_found (no such mailbox); invalid (not in the tree of a user); unsupported; corrupt; permission;
/// io.
base::Result<void> set_quota_locked(MailboxLock& locks, const MailboxName& root, const QuotaLimits& limits,
                                    const StoreConfig& config, const MailboxList& mailboxes);

/// Removes a quota root: what it counted is counted by the next root above, if there is one. Errors: as above;
/// not_found (no such root).
base::Result<void> remove_quota_locked(MailboxLock& locks, const MailboxName& root, const StoreConfig& config,
                                       const MailboxList& mailboxes);

}  // namespace cyrus

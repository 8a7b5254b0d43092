#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_lock.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/mailbox_record.hpp"
#include "cyrus/store_config.hpp"

#include <functional>

namespace cyrus {

/// Whether delete_mailbox_locked() would refuse a mailbox for what it is or what imapd.conf says. Errors: invalid (not
/// in the tree of a user); unsupported.
base::Result<void> check_can_delete(const MailboxRecord& mailbox, const StoreConfig& config);

/// Deletes one mailbox as Cyrus does (doc/format/create.md): a tombstone stays under its name, and its quota root no
/// longer counts it. With delete_mode `delayed` it lives on, with all messages, as DELETED.NAME.TIME: Cyrus's RENAME
/// brings it back, cyr_expire removes it for good. With `immediate` its files are removed.
///
/// `locks` has the exclusive user lock and nothing else, and so it returns. IMAP and POP3 sessions of Cyrus that have
/// the mailbox open are ended as Cyrus ends them (SIGQUIT, found by proc_path). Returns the name that it has now; its
/// own when it is gone. A kill of this process leaves the mailbox as it was, or all of this done, `afterwards`
/// included: what goes with the mailbox, and logs nothing; that it failed is for the log. Blocks on disk. Errors: busy
/// (such a session still has it: call again); not_found; unsupported (conversations, mailboxes.db or quota_db not
/// written); corrupt; permission; io.
base::Result<MailboxName> delete_mailbox_locked(MailboxLock& locks, const MailboxName& name, const StoreConfig& config,
                                                const MailboxList& mailboxes, const base::Log& log,
                                                const std::function<base::Result<void>()>& afterwards = {});

}  // namespace cyrus

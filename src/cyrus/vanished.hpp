#pragma once

#include "cyrus/mailbox_list.hpp"
#include "cyrus/snapshot.hpp"
#include "cyrus/store_config.hpp"

namespace cyrus {

/// True when the mailbox of a snapshot is not to be found under its name any more: removed, renamed, replaced by a new
/// one, or with its files about to go. What cannot be found out (a lock is held, a disk fails) is no reason.
///
/// Takes the locks of a reader, once. Blocks on disk, never on locks: worker pool only.
bool has_vanished(const SnapshotIdentity& identity, const StoreConfig& config, const MailboxList& mailboxes);

}  // namespace cyrus

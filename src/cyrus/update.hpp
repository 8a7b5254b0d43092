#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "cyrus/acl.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/snapshot.hpp"
#include "cyrus/store_config.hpp"
#include "maildrop/maildrop.hpp"

namespace cyrus {

/// Carries out what a session asked for at QUIT, on the mailbox of its snapshot (RFC 1939 s6; doc/format/update.md):
/// expunges the deleted messages, marks the retrieved ones as \Seen under popuseimapflags, sets the time of the last
/// login. The one place that changes a mailbox for POP3.
///
/// Success means that the changes are on disk; a message that somebody else expunged meanwhile counts as gone, and not
/// in `removed`. A failure means that nothing was removed, or its text says that the old bytes could not be put back.
/// What is not the client's business (the time of the login alone; logs and caches after the change is made) goes to
/// `log` when it fails.
///
/// Blocks on disk, never on locks: worker pool only. Errors: busy (nothing was changed, call again); not_found (the
/// mailbox of the snapshot is gone); permission (option readonly, no right to delete); unsupported (conversations, a
/// quota or statuscache database that we do not write, a remote mailbox, an index version); corrupt; io.
base::Result<maildrop::UpdateReport> update_mailbox(const SnapshotIdentity& identity, const Rights& rights,
                                                    const maildrop::Update& changes, const StoreConfig& config,
                                                    const MailboxList& mailboxes, const base::Log& log);

}  // namespace cyrus

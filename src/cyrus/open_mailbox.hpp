#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "cyrus/index_header.hpp"
#include "cyrus/mailbox_header.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_lock.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "cyrus/mailbox_record.hpp"
#include "cyrus/store_config.hpp"

#include <string>

namespace cyrus {

/// A mailbox under its locks, with cyrus.index open as locks.index_fd().
struct OpenMailbox {
  MailboxLock locks;
  MailboxRecord record;
  MailboxPaths paths;
};

/// What mailboxes.db and imapd.conf say about a mailbox that is locked.
struct LockedMailbox {
  MailboxRecord record;
  MailboxPaths paths;
};

/// The part of open_mailbox() behind the user lock, which `locks` has: for several mailboxes of one owner, one after
/// the other (MailboxLock::release_mailbox()), or with another mode of the name lock. `mode` is that of the index.
base::Result<LockedMailbox> lock_mailbox(MailboxLock& locks, const MailboxName& name, const StoreConfig& config,
                                         const MailboxList& mailboxes, base::LockMode mode,
                                         base::LockMode name_mode = base::LockMode::shared);

/// Opens a mailbox to be read (shared locks, read only) or changed (doc/format/locks.md): user lock, mailboxes.db, name
/// lock, cyrus.index, its lock.
///
/// Blocks on disk, never on locks. Every text begins with "mailbox NAME: ". Errors: busy; not_found (no such mailbox,
/// or a name without one); unsupported (remote, being moved, back end); corrupt; permission; io.
base::Result<OpenMailbox> open_mailbox(const MailboxName& name, const StoreConfig& config, const MailboxList& mailboxes,
                                       base::LockMode mode);

/// Reads cyrus.header of an open mailbox and checks that it belongs to it. The uniqueid of the result is that of
/// mailboxes.db; only records and headers of 3.4 and older can be without one. A content that is not the one that the
/// index knows goes to `log`: a crash between two writes leaves that, and Cyrus repairs it with its next change.
/// Errors: corrupt; permission; io.
base::Result<MailboxHeader> read_mailbox_header(const OpenMailbox& mailbox, const IndexHeader& index,
                                                const base::Log& log);

/// Whether a mailbox with this record is here to be opened. `what` begins error texts. Errors: not_found; unsupported
/// (remote, being moved); corrupt.
base::Result<void> check_usable(const MailboxRecord& record, const std::string& what);

/// Reads cyrus.header without a look at anything else. `what` begins error texts ("mailbox NAME"). Errors: corrupt;
/// permission; io.
base::Result<MailboxHeader> read_mailbox_header(const MailboxPaths& paths, const std::string& what);

/// The octets of cyrus.header; that it is missing or no file is corrupt. `what` begins error texts ("mailbox NAME").
base::Result<std::string> read_mailbox_header_text(const MailboxPaths& paths, const std::string& what);

}  // namespace cyrus

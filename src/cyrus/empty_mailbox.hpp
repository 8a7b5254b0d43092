#pragma once

#include "cyrus/acl.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/store_config.hpp"

#include <optional>

namespace cyrus {

// Most polls find nothing. With the option statuscache Cyrus's pop3d asks statuscache.db first, and does not open a
// mailbox that has no messages: no locks, no popminpoll, no time of the last login at QUIT. It believes the database
// whatever it says; an entry that a killed writer left behind would hide mail. So we hold it against the first page of
// cyrus.index, which costs less than a lock.

/// The rights of the owner in the mailbox `name` (all of them without popuseacl) when statuscache.db says that it has
/// no messages, and cyrus.index says the same by uidvalidity, next UID and highestmodseq. nullopt otherwise, also when
/// something is wrong, or the owner may not read: opening the mailbox will tell. Takes no lock of the mailbox.
///
/// Blocks on disk: worker pool only.
std::optional<Rights> rights_in_empty_mailbox(const MailboxName& name, const StoreConfig& config,
                                              const MailboxList& mailboxes);

}  // namespace cyrus

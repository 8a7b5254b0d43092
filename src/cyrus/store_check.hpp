#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_check.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_record.hpp"
#include "cyrus/store_config.hpp"

#include <vector>

namespace cyrus {

/// All mailboxes that are on this server, as mailboxes.db lists them, and in `problems` what is wrong with the list:
/// records that cannot be read, and those by name and by uniqueid that do not agree.
///
/// Blocks on disk, never on locks. Errors: those of MailboxList::find.
base::Result<std::vector<MailboxRecord>> list_store(const MailboxList& mailboxes, std::vector<Problem>& problems);

/// Directories that hold files of a mailbox, but no mailbox of mailboxes.db has them. `listed` is from list_store(); it
/// is read again before anything is called stray. Symbolic links are not followed. Blocks on disk. Errors: as
/// list_store().
base::Result<void> find_stray_directories(const std::vector<MailboxRecord>& listed, const StoreConfig& config,
                                          const MailboxList& mailboxes, std::vector<Problem>& problems);

}  // namespace cyrus

#pragma once

#include "base/result.hpp"
#include "base/sha1.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/store_config.hpp"

#include <cstdint>
#include <map>

namespace cyrus {

/// How many records of a mailbox have each GUID, the SHA-1 of the message file.
using GuidCounts = std::map<base::Sha1Digest, std::uint32_t>;

/// The GUIDs of all records, those of expunged messages included as long as the records are there: what its owner has
/// deleted is not missing. Under the shared locks of the mailbox. Blocks on disk, never on locks. Errors: those of
/// open_mailbox(); corrupt; unsupported (index version); io.
base::Result<GuidCounts> read_stored_guids(const MailboxName& name, const StoreConfig& config,
                                           const MailboxList& mailboxes);

}  // namespace cyrus

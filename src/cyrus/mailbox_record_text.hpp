#pragma once

#include "cyrus/dlist.hpp"
#include "cyrus/mailbox_record.hpp"

#include <string>

/// The values of mailboxes.db, as 3.6 and later write them (doc/format/mailboxes-db.md). Pure.
namespace cyrus {

/// The letters of T for the kind and the states of `record`: its first letter, then d m r z i l as they hold.
std::string type_letters(const MailboxRecord& record);

/// The value of the `N` key. What a tombstone or an intermediate does not have (partition, access list) is left out.
std::string encode_name_record(const MailboxRecord& record);

/// The value of the `I` key. `history` is the list of former names.
std::string encode_id_record(const MailboxRecord& record, const Dlist& history);

/// One entry of that list: the name that `tombstone` has given up.
Dlist former_name(const MailboxRecord& tombstone);

}  // namespace cyrus

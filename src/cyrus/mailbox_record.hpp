#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_name.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cyrus {

/// One line of an access list: rights of an identifier, in the letters of RFC 4314 as stored.
struct AclEntry {
  std::string identifier;
  std::string rights;

  friend bool operator==(const AclEntry&, const AclEntry&) = default;
};

/// What mailboxes.db says about one mailbox (doc/format/mailboxes-db.md).
struct MailboxRecord {
  explicit MailboxRecord(MailboxName mailbox) : name(std::move(mailbox)) {}

  MailboxName name;
  std::string uniqueid;   ///< empty only in records of 3.4 and older
  std::string jmap_id;    ///< J key of newer releases, else empty
  std::string partition;  ///< empty for tombstones and intermediates
  std::string type;       ///< the letters of T as stored; "e" when the record has none
  std::string server;     ///< empty: here, unless `remote`
  std::uint32_t uidvalidity = 0;
  std::uint64_t created_modseq = 0;
  std::uint64_t folder_modseq = 0;
  std::int64_t mtime = 0;
  std::vector<AclEntry> acl;

  bool deleted = false;        ///< a tombstone: there is no mailbox of this name
  bool moving = false;         ///< on its way to another server
  bool remote = false;         ///< lives on another server of the murder
  bool reserved = false;       ///< being created on another server
  bool intermediate = false;   ///< a name without a mailbox, or one that is just being made
  bool legacy_layout = false;  ///< its directory follows its name instead of its uniqueid

  /// True for a mailbox that is here, with a directory: none of the five states above, and a partition.
  bool usable() const { return !deleted && !moving && !remote && !reserved && !intermediate && !partition.empty(); }
};

/// Which release wrote a record; said by its key.
enum class RecordForm {
  by_name,  ///< key `N` + dbname: 3.6 and later
  plain,    ///< key is the intname: 3.4 and older. Their mailboxes all have the legacy layout.
};

/// Reads a value of mailboxes.db: a dlist (3.0 and later) or the text line of 2.4, told apart by its first bytes.
/// `this_server` decides `remote` for records that name a server.
///
/// Errors: corrupt (the text names the mailbox).
base::Result<MailboxRecord> parse_mailbox_record(const MailboxName& name, std::string_view value, RecordForm form,
                                                 std::string_view this_server);

/// The dbname that the record of an `I` key names. Errors: corrupt.
base::Result<std::string> parse_id_record(std::string_view uniqueid, std::string_view value);

}  // namespace cyrus

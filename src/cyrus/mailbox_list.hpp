#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/mailbox_record.hpp"
#include "cyrus/store_config.hpp"

#include <functional>
#include <memory>
#include <string>

namespace cyrus {

/// mailboxes.db, read only, beside Cyrus processes that write it. One per process; thread-safe.
///
/// Each call takes the shared lock of the file for its duration, never waits for it, and sees the last committed state,
/// also of a file that a crashed writer left unclean. The kind of database is told by its content: twoskip, skiplist
/// and flat are read.
class MailboxList {
 public:
  /// Opens nothing yet. `config` is copied as far as needed.
  explicit MailboxList(const StoreConfig& config);
  ~MailboxList();
  MailboxList(const MailboxList&) = delete;
  MailboxList& operator=(const MailboxList&) = delete;

  /// The record of a mailbox, whatever its state: ask MailboxRecord::usable(). A record of 3.6 and later is returned
  /// only if the record of its uniqueid names the same mailbox.
  ///
  /// Blocks on disk, never on locks. Errors: not_found (no record); busy (a writer holds the lock: call again);
  /// corrupt; unsupported (sql, zeroskip, an unknown version); limit; permission; io.
  base::Result<MailboxRecord> find(const MailboxName& name) const;

  /// Calls `visit` for each mailbox by name, in the order of the file, while the lock is held: be quick, or collect.
  /// `visit` returns false to stop. A record that cannot be read is passed as its error. Errors: as find().
  base::Result<void> for_each(const std::function<bool(base::Result<MailboxRecord>)>& visit) const;

  /// The same for the mailboxes below `top`, without it, and without reading the others where the file allows.
  base::Result<void> for_each_below(const MailboxName& top,
                                    const std::function<bool(base::Result<MailboxRecord>)>& visit) const;

  /// Calls `visit` with the uniqueid and the dbname of each record by uniqueid, as for_each() does with those by name;
  /// a database of 3.4 and older has none. Errors: as find().
  base::Result<void> for_each_id(const std::function<bool(const std::string&, base::Result<std::string>)>& visit) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cyrus

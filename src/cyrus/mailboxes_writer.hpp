#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_record.hpp"
#include "cyrus/store_config.hpp"
#include "cyrus/twoskip_writer.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cyrus {

/// Changes mailboxes.db beside live Cyrus processes, one transaction after the other (doc/format/mailboxes-db.md).
///
/// Holds the exclusive lock of the file as long as it lives, and nobody can even look a mailbox up meanwhile: open it,
/// change, commit, let go. The caller holds the user lock of every name it changes. Destroying it takes back what was
/// not committed. Blocks on disk, and for some milliseconds on the lock, which lookups of others hold for microseconds:
/// Errc::busy says that these were not enough. Not for use by two threads at a time.
class MailboxesWriter {
 public:
  /// Only a twoskip database as 3.6 to 3.12 keep it is written. Errors: busy; unsupported (another back end, a murder,
  /// improved_mboxlist_sort, reverseacls, records of other releases; nothing was changed); corrupt; permission; io
  /// (also: there is no database).
  static base::Result<MailboxesWriter> open(const StoreConfig& config);

  /// The record of a name, whatever its state; nullopt: none. Errors: corrupt; limit; io.
  base::Result<std::optional<MailboxRecord>> find(const MailboxName& name) const;
  /// Whether a mailbox, or a former one, has this uniqueid.
  base::Result<bool> has_id(std::string_view uniqueid) const;

  /// The first step of creating `record`: its name and id become those of an intermediate, which tells everybody that
  /// the mailbox is about to be. What was there must be nothing, a tombstone (its id is freed unless it lives on as a
  /// deleted mailbox), or an intermediate whose id `record` has. Errors: invalid (something else is there); as find().
  base::Result<void> reserve(const MailboxRecord& record);

  /// Makes `record` what its name and id lead to. Former names of the id are kept. Errors: as find(); unsupported (the
  /// record there has fields that we would lose).
  base::Result<void> put(const MailboxRecord& record);

  /// Gives the mailbox `from` the name and the numbers of `to`, which has the same id; a tombstone stays under the old
  /// name. Errors: invalid (the new name is taken); as put().
  base::Result<void> rename(const MailboxRecord& from, const MailboxRecord& to);

  /// Makes `mailbox`, with new numbers, one that is gone for good: a tombstone stays under its name, and its id leads
  /// there. Errors: as put().
  base::Result<void> bury(const MailboxRecord& mailbox);

  /// Takes a reservation back: the name has the record `before` again, or none.
  base::Result<void> unreserve(const MailboxRecord& record, const std::optional<MailboxRecord>& before);

  /// Makes the changes durable, all or none. After an error either can be true only if the very last step failed; the
  /// next lookup tells. Errors: io.
  base::Result<void> commit() { return database_.commit(); }

 private:
  MailboxesWriter(TwoskipWriter database, std::string server_name)
      : database_(std::move(database)), server_name_(std::move(server_name)) {}
  base::Result<void> check_keys() const;

  TwoskipWriter database_;
  std::string server_name_;
};

/// What `name` leads to after a commit() that failed, or whose process was lost; nullopt: nothing. Only reads, for the
/// disk may be full; waits for writers as MailboxesWriter::open(). Errors: as MailboxList::find().
base::Result<std::optional<MailboxRecord>> find_after_failure(const MailboxName& name, const StoreConfig& config);

}  // namespace cyrus

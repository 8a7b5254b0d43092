#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/store_config.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace cyrus {

/// What statuscache.db remembers of a mailbox for all users alike (doc/format/statuscache.md). True only as long as
/// every writer of the mailbox replaces or removes it under the index lock.
struct StatusEntry {
  std::uint32_t exists = 0;
  std::uint32_t uidnext = 0;
  std::uint32_t uidvalidity = 0;
  std::uint32_t options = 0;  ///< as in the header of cyrus.index
  std::uint64_t quota_used = 0;
  std::uint64_t createdmodseq = 0;
  std::uint64_t highestmodseq = 0;
};

/// The value of an I key, as the versions 8 to 10 write it. nullopt: another version, or not such a text; Cyrus then
/// looks into the mailbox, and so should we.
std::optional<StatusEntry> parse_status(std::string_view value);

/// Removes what statuscache.db says of a mailbox, which is always right: the next who asks looks into the mailbox. To
/// be called under the index lock after every change of cyrus.index (doc/format/locks.md). Done at once when
/// `statuscache` is off, when there is no database, and when it says nothing of the mailbox. A twoskip file that cannot
/// be read is emptied.
///
/// Blocks on disk, never on locks: worker pool only. Errors: busy (call again); unsupported (a database of another
/// kind than twoskip; nothing was changed); limit; permission; io.
base::Result<void> forget_status(const StoreConfig& config, const MailboxName& name);

/// What statuscache.db says of a mailbox; nullopt when `statuscache` is off or it says nothing that we can read.
///
/// Blocks on disk, never on locks. Errors: as forget_status(), and corrupt.
base::Result<std::optional<StatusEntry>> read_status(const StoreConfig& config, const MailboxName& name);

}  // namespace cyrus

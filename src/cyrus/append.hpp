#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "cyrus/deliver_db.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/staged_message.hpp"
#include "cyrus/store_config.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace cyrus {

/// How a message is put into a mailbox.
struct AppendOptions {
  /// Whose right p on the mailbox decides; nullopt: nobody is asked.
  std::optional<std::string> poster;
  std::string session_id;           ///< for audit lines
  bool strict_quota = false;        ///< the message must fit into the quota, not only find some room
  bool ignore_quota = false;        ///< also into a mailbox that is over its quota
  DeliverDb* duplicates = nullptr;  ///< not a second time, where it is kept and knows; nullptr: as often as it comes
};

/// Where a message is.
struct Appended {
  std::uint32_t uidvalidity = 0;
  std::uint32_t uid = 0;   ///< 0 for a duplicate
  bool duplicate = false;  ///< it is there already: nothing was stored
};

/// Puts a message into one mailbox (doc/format/delivery.md). Success means that it is durable there, and counted.
///
/// Blocks on disk, never on locks. After an error the mailbox is as it was. Errors: busy (a lock is held elsewhere:
/// call again); not_found; permission (no right p, a read-only store); limit (over quota, no UID left); unsupported
/// (conversations, index version, back end, a mailbox that takes no mail, another server); corrupt; io. Every text
/// names the mailbox.
base::Result<Appended> append_message(const MailboxName& name, const StagedMessage& message,
                                      const AppendOptions& options, const StoreConfig& config,
                                      const MailboxList& mailboxes, const base::Log& log);

/// A message of a batch, and the flags that it has from the beginning: of flag_bit, the five of IMAP.
struct BatchMessage {
  const StagedMessage* message = nullptr;
  std::uint32_t flags = 0;
};

/// Puts messages into one mailbox in one step, in their order: all of them are there and durable, or none. For mail
/// that comes from another store: duplicates are not looked for. At most kMaxBatch of them; the mailbox is locked
/// meanwhile. Errors: as append_message().
base::Result<std::vector<Appended>> append_messages(const MailboxName& name, std::span<const BatchMessage> messages,
                                                    const AppendOptions& options, const StoreConfig& config,
                                                    const MailboxList& mailboxes, const base::Log& log);

inline constexpr std::size_t kMaxBatch = 1000;

}  // namespace cyrus

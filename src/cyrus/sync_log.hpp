#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/store_config.hpp"

#include <string>
#include <string_view>

namespace cyrus {

/// The line that tells replication and the indexer of a changed mailbox (doc/format/synclog.md), with its line end.
/// `word` is what happened. Pure.
std::string sync_log_line(const MailboxName& name, std::string_view word = "MAILBOX");

/// Appends that line to the log of each channel; nothing with sync_log off.
///
/// Blocks on disk, and for up to half a second on a lock that somebody else holds, because the change it tells of is
/// already made. All channels are tried. Errors: busy; permission; io.
base::Result<void> log_mailbox_change(const StoreConfig& config, const MailboxName& name);

/// Likewise of a mailbox that a message came into: the indexer of new messages has a line of its own before it.
base::Result<void> log_mailbox_append(const StoreConfig& config, const MailboxName& name);

}  // namespace cyrus

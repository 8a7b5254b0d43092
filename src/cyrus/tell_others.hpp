#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/store_config.hpp"

#include <string>

namespace cyrus {

/// forget_status(), asked again for some milliseconds while somebody has the database locked: for changes that are
/// made, or are about to be. Errors: as forget_status().
base::Result<void> forget_status_patiently(const StoreConfig& config, const MailboxName& name);

/// What is told of a mailbox whose index has changed.
enum class Told {
  of_login,   ///< nothing but the time of the last login: only replication is to know
  of_change,  ///< of its messages
};

/// Tells the sync log, statuscache and idled. To be called under the index lock. The change is made and durable, and
/// nothing here can take it back: returns what went wrong, for the log; empty if nothing did. Blocks on disk, and on
/// locks that others hold for a moment.
std::string tell_others(const StoreConfig& config, const MailboxName& name, Told what);

}  // namespace cyrus

#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_record.hpp"
#include "cyrus/store_config.hpp"

#include <filesystem>

namespace cyrus {

/// Where the active Sieve script of the owner of an INBOX is, if there is one: by the uniqueid of the INBOX, or by the
/// name of the user when the INBOX has the legacy layout (doc/format/delivery.md). `inbox` has an owner (CHECK).
std::filesystem::path active_script_path(const MailboxRecord& inbox, const StoreConfig& config);

/// Whether the owner of `inbox` has an active Sieve script: mail must then not be filed without asking it. One that
/// cannot be looked at counts. Blocks on disk.
bool has_active_script(const MailboxRecord& inbox, const StoreConfig& config);

}  // namespace cyrus

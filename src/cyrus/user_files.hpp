#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/mailbox_record.hpp"
#include "cyrus/store_config.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// Files of a user beside the mailboxes (doc/format/layout.md).
namespace cyrus {

/// Where the file of this kind ("sub", "seen") is for the owner of `inbox`, an INBOX record: by uniqueid or by name, as
/// the INBOX itself.
std::filesystem::path user_file_path(const MailboxRecord& inbox, std::string_view kind, const StoreConfig& config);

/// The text of a subscription file with `names` added; `text` is empty for a new one. Pure.
/// Errors: unsupported (another form or version than 3.6's flat one); invalid (a name that it cannot have).
base::Result<std::string> add_subscriptions(std::string_view text, const MailboxName& inbox,
                                            const std::vector<MailboxName>& names, std::string_view what);

/// Subscribes the owner of `inbox` to `names`, durably. Blocks on disk, never on locks. Errors: busy; unsupported;
/// permission; io.
base::Result<void> subscribe(const MailboxRecord& inbox, const std::vector<MailboxName>& names,
                             const StoreConfig& config);

/// Removes the subscriptions and \Seen states of a user whose INBOX is deleted. Errors: permission; io.
base::Result<void> remove_user_files(const MailboxRecord& inbox, const StoreConfig& config);

}  // namespace cyrus

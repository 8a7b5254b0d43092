#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "cyrus/store_config.hpp"

#include <filesystem>
#include <set>

/// The directories of a mailbox as a whole: of its message files, of archived ones, and of each kind of meta file.
/// Other mailboxes can have directories of theirs in them, which nothing here touches (layout by name).
namespace cyrus {

std::set<std::filesystem::path> directories_of(const MailboxPaths& paths);

/// Gives every file of the mailbox at `from` a second name at `to`, where nothing but leftovers of a crash may be, and
/// makes the new names durable. Blocks on disk. Errors: io, with what was made left to remove_mailbox_directories().
base::Result<void> link_mailbox_files(const MailboxPaths& from, const MailboxPaths& to);

/// Removes all files of a mailbox, its directories, and those above that are empty then, up to the partition. What
/// could not be removed is an error; the rest is tried all the same. Blocks on disk. Errors: io.
base::Result<void> remove_mailbox_directories(const MailboxPaths& paths, const StoreConfig& config);

}  // namespace cyrus

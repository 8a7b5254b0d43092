#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_check.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_record.hpp"
#include "cyrus/store_config.hpp"

#include <string>
#include <vector>

namespace cyrus {

/// Whether a quota root counts what its mailboxes use, in octets, messages, annotations and folders. `listed` are the
/// mailboxes of the store; those count whose cyrus.header names the root. What is wrong goes to `problems`; a root
/// without a file counts nothing. Changes nothing.
///
/// The sum is taken over a time in which the file did not change. Blocks on disk, never on locks. Errors: busy (a lock
/// is held, or the file changes all the time: call again); unsupported (another quota_db); permission; io.
base::Result<void> check_quota_root(const std::string& root, const std::vector<MailboxRecord>& listed,
                                    const StoreConfig& config, const MailboxList& mailboxes,
                                    std::vector<Problem>& problems);

}  // namespace cyrus

#pragma once

#include "base/result.hpp"
#include "cyrus/message_annotations.hpp"
#include "cyrus/store_config.hpp"

#include <string>
#include <string_view>
#include <vector>

/// What annotations.db says of whole mailboxes, known by their uniqueid (doc/format/annotations.md). Only the twoskip
/// form of 3.6 and later. Every call blocks on disk, and for some milliseconds on the lock of the file, which others
/// hold for one transaction. Errors: busy; unsupported (another form); corrupt; limit; permission; io.
namespace cyrus {

/// All annotations of a mailbox.
base::Result<std::vector<MessageAnnotation>> mailbox_annotations(std::string_view uniqueid, const StoreConfig& config);

/// What its owner uses a folder for (RFC 6154): "\Drafts", several with blanks between them, or empty.
base::Result<std::string> special_use_of(std::string_view uniqueid, const StoreConfig& config);

/// Durable when it returns. The caller counts its octets in cyrus.index and the quota root.
base::Result<void> set_special_use(std::string_view uniqueid, std::string_view use, const StoreConfig& config);

/// Removes all annotations of a mailbox that is no more, durably.
base::Result<void> remove_mailbox_annotations(std::string_view uniqueid, const StoreConfig& config);

}  // namespace cyrus

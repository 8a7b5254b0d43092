#pragma once

#include "base/result.hpp"
#include "cyrus/store_config.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace cyrus {

/// What tells one delivery from another: the message, where it went, and when it says it was written.
struct DeliveryMark {
  std::string message_id;
  std::string uniqueid;  ///< of the mailbox
  std::string date;      ///< the Date field as written
};

/// The key and the value of a delivery in deliver.db (doc/format/deliver-db.md). Pure.
std::string delivery_key(const DeliveryMark& mark);
std::string delivery_value(std::uint64_t time, std::uint32_t uid);

/// Whether deliver.db is kept: `duplicatesuppression` is on, and the file is one that is written here.
bool suppresses_duplicates(const StoreConfig& config);

/// Whether such a message is in the mailbox already, by deliver.db. A database that cannot be read knows of none.
///
/// Blocks on disk, and for some milliseconds on a lock that somebody else holds. Errors: busy; corrupt; unsupported (no
/// twoskip file); limit; permission; io.
base::Result<bool> was_delivered(const StoreConfig& config, const DeliveryMark& mark);

/// Remembers a delivery. To be called under the index lock of the mailbox, after the message is in its index. Blocks as
/// was_delivered(). Errors: likewise.
base::Result<void> mark_delivered(const StoreConfig& config, const DeliveryMark& mark, std::uint64_t time,
                                  std::uint32_t uid);

}  // namespace cyrus

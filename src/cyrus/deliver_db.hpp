#pragma once

#include "base/result.hpp"
#include "cyrus/store_config.hpp"

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

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

/// deliver.db, beside Cyrus's lmtpd. One for each process; thread-safe.
///
/// Every commit waits for the disk three times. So deliveries that end while one is under way wait for it, and then
/// share the next: however many there are, each waits for two commits at most.
class DeliverDb {
 public:
  /// Opens nothing yet.
  explicit DeliverDb(const StoreConfig& config);
  DeliverDb(const DeliverDb&) = delete;
  DeliverDb& operator=(const DeliverDb&) = delete;

  /// Whether it is kept: `duplicatesuppression` is on, and the file is one that is written here.
  bool is_kept() const { return kept_; }

  /// Whether such a message is in the mailbox already. A database that is not there knows of none.
  ///
  /// Blocks on disk, and for some milliseconds on a lock that another process holds. Errors: busy; corrupt; unsupported
  /// (no twoskip file); limit; permission; io.
  base::Result<bool> has(const DeliveryMark& mark) const;

  /// Remembers a delivery, durably. To be called under the index lock of the mailbox, after the message is in its
  /// index. Blocks as has(). Errors: likewise.
  base::Result<void> add(const DeliveryMark& mark, std::uint64_t time, std::uint32_t uid);

 private:
  struct Waiting;
  base::Result<void> write(const std::vector<Waiting*>& batch);

  const bool kept_;
  const std::filesystem::path file_;
  // Who reads takes it shared, who writes alone: threads of this process need not find each other's file lock in the
  // way, which can only be asked for again and again.
  mutable std::shared_mutex gate_;
  std::mutex mutex_;  // for what follows
  std::condition_variable changed_;
  std::vector<Waiting*> queue_;
  bool is_writing_ = false;
};

}  // namespace cyrus

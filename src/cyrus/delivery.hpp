#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/staged_message.hpp"
#include "cyrus/store_config.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace cyrus {

/// For whom a message is.
struct DeliveryRequest {
  std::string user;    ///< a canonical userid: "fred", "fred@example.com"; empty: `folder` is a shared mailbox
  std::string folder;  ///< below the user's INBOX, components separated as imapd.conf says; empty: INBOX
  std::string domain;  ///< of a shared mailbox; empty: none, or the default one
  /// Who hands the message over, for the right p of a folder; empty: somebody unknown, who is only `anyone`.
  std::string sender;
  std::string session_id;     ///< for audit lines
  bool may_create = true;     ///< make the INBOX where the autocreate options ask for it
  bool ignore_quota = false;  ///< deliver even if the quota root is over its limit
  bool fuzzy_folder = false;  ///< a folder that is not there is the nearest one that is, by names nearly alike
};

/// Where a message went.
struct Delivered {
  MailboxName name;
  std::uint32_t uidvalidity = 0;
  std::uint32_t uid = 0;    ///< 0 for a duplicate
  bool duplicate = false;   ///< the mailbox had it already: nothing was stored, and that is success
  bool into_inbox = false;  ///< INBOX instead of the folder that was asked for
};

/// Who would receive a message.
struct Recipient {
  MailboxName name;
  std::string partition;    ///< of the mailbox: stage the message there, and it need not be copied
  bool into_inbox = false;  ///< INBOX instead of the folder that was asked for
};

/// Delivery into the mailboxes of one configuration (doc/format/delivery.md). Thread-safe.
///
/// Blocks on disk, never on locks: worker pool only. Errc::busy from any call: somebody holds a lock, nothing was
/// changed, call again. Other errors: not_found (no such mailbox); limit (over quota); permission (no right to post);
/// unsupported (a read-only store; an active Sieve script; conversations; a mailbox on another server; an index version
/// or back end that is not written here); invalid (no possible mailbox name); corrupt; io. Every text names the
/// mailbox.
class Delivery {
 public:
  /// Opens nothing yet. `log` must outlive this.
  Delivery(StoreConfig config, const base::Log& log);
  ~Delivery();
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  /// Whether deliver() would take a message of `octets`, as far as that can be told before it is there (0: not known).
  /// For RCPT. Changes nothing, except that a user's INBOX is made where the autocreate options ask for it.
  base::Result<Recipient> check_recipient(const DeliveryRequest& request, std::uint64_t octets) const;

  /// Stores `message` in the mailbox of `request`. Success means that it is durable there. After a failure the mailbox
  /// is as it was before.
  base::Result<Delivered> deliver(const StagedMessage& message, const DeliveryRequest& request) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cyrus

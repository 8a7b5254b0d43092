#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/store_config.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace cyrus {

/// Something that is not as it should be.
struct Problem {
  std::string mailbox;    ///< intname; empty: of the store as a whole
  std::uint32_t uid = 0;  ///< 0: not of one message
  std::string text;       ///< begins with the file: "cyrus.index: UID 3: wrong CRC"
  bool harmless = false;  ///< a leftover that every program passes over
};

struct CheckOptions {
  bool deep = false;  ///< read every message and compare its SHA-1 with the index
};

/// What a look at one mailbox found.
struct MailboxReport {
  std::uint32_t messages = 0;  ///< neither expunged nor gone
  std::uint64_t octets = 0;    ///< of these
  std::string quota_root;      ///< of cyrus.header
  std::vector<Problem> problems;
};

/// Verifies one mailbox and changes nothing: cyrus.header, cyrus.index (version, CRCs, order, everything that its
/// header counts), cache records, message files, and files that belong to no message.
///
/// The locks of the mailbox are held, shared, while the index is read, and not while messages are: what looks wrong
/// then is looked at again under the locks, because a live server may have changed it. `on_message` is called for each
/// message file, from time to time.
///
/// Blocks on disk, never on locks. Errors: busy (somebody holds a lock: call again); not_found; unsupported (on another
/// server, back end, index version); permission; invalid. Whatever is damaged is a Problem.
base::Result<MailboxReport> check_mailbox(const MailboxName& name, const StoreConfig& config,
                                          const MailboxList& mailboxes, const CheckOptions& options,
                                          const std::function<void()>& on_message);

}  // namespace cyrus

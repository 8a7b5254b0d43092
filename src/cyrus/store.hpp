#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "cyrus/store_config.hpp"
#include "maildrop/maildrop.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cyrus {

struct Snapshot;
struct Surplus;

/// Whose maildrop: a canonical userid ("fred", "fred@example.com") and, with popsubfolders, a folder below INBOX.
struct MaildropName {
  std::string user;
  std::string subfolder;  ///< empty: INBOX
};

/// The Cyrus mail store of one configuration, shared by all sessions. Thread-safe.
///
/// A maildrop may outlive the store that opened it (a reload makes a new one); both need `log`.
class Store {
 public:
  /// Opens nothing yet. `log` must outlive the store and every maildrop.
  Store(StoreConfig config, const base::Log& log);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Takes a snapshot of a maildrop for one session. No lock outlives the call. An INBOX that is missing is made first
  /// if the autocreate options say so (MailboxAdmin::autocreate_inbox()).
  ///
  /// Blocks on disk, never on locks: run on the worker pool. Errors: busy (a lock is held elsewhere: nothing was
  /// changed, call again); not_found (no such mailbox); permission; corrupt; unsupported (index version, back end,
  /// remote mailbox); invalid (no possible mailbox name); limit (popminpoll has not passed since the last login that
  /// counted, and nothing else); io. Every text names the mailbox and the file.
  base::Result<std::unique_ptr<maildrop::Maildrop>> open_maildrop(const MaildropName& name);

  /// The mailbox name as logs show it: "user.fred", "user.fred.sub", "example.com!user.fred".
  /// For a name that no mailbox can have, the userid and folder as they came.
  std::string internal_name(const MaildropName& name) const;

  class Shared;  ///< Private to store.cpp.

 private:
  /// Makes the octets of `entries` those that RETR sends; see wire_sizes.hpp. Returns the ones that differ.
  std::vector<Surplus> list_wire_octets(const Snapshot& snapshot, std::vector<maildrop::Entry>& entries) const;

  std::shared_ptr<const Shared> shared_;
};

}  // namespace cyrus

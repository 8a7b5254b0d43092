#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "cyrus/acl.hpp"
#include "cyrus/index_header.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/store_config.hpp"
#include "cyrus/uidl.hpp"
#include "maildrop/maildrop.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace cyrus {

/// What a session remembers of its mailbox, so that UPDATE can tell whether it is still the same one: a mailbox can be
/// renamed, deleted, made anew or repacked while nobody holds a lock for us.
struct SnapshotIdentity {
  MailboxName name;
  std::string uniqueid;  ///< of mailboxes.db, else of cyrus.header
  std::string partition;
  std::uint32_t uidvalidity = 0;
  std::uint64_t index_device = 0;
  std::uint64_t index_inode = 0;
  std::uint32_t generation_no = 0;
  std::uint64_t login_time = 0;  ///< when the snapshot was taken: what QUIT makes of pop3_last_login

  explicit SnapshotIdentity(MailboxName mailbox) : name(std::move(mailbox)) {}
};

/// One look at a mailbox, taken under its locks. No descriptor and no lock stays behind.
struct Snapshot {
  SnapshotIdentity identity;
  UidlRule uidl;
  Time pop3_last_login;
  Rights rights{true, true, true};       ///< all of them without popuseacl
  std::vector<maildrop::Entry> entries;  ///< ascending by uid
  bool is_unopened = false;              ///< nothing is written at QUIT: see empty_mailbox.hpp

  /// Where message files are, free of symbolic links. The archive directory is empty when it is the same.
  std::string data_directory;
  std::string archive_directory;

  explicit Snapshot(MailboxName mailbox) : identity(std::move(mailbox)) {}
};

/// Reads the mailbox `name`: user lock, mailboxes.db, name lock, index lock (all shared), then one pass over
/// cyrus.index. Listed are the messages that pop3d lists: neither expunged nor, with popuseimapflags, \Deleted, and
/// with an internaldate behind pop3_show_after if that is set.
///
/// `now`, in seconds since 1970, is the time of the login. Blocks on disk, never on locks. What is odd but harmless
/// goes to `log`. Errors: as Store::open_maildrop().
base::Result<Snapshot> take_snapshot(const MailboxName& name, const StoreConfig& config, const MailboxList& mailboxes,
                                     const base::Log& log, std::uint64_t now);

}  // namespace cyrus

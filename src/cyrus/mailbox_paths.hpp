#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/mailbox_record.hpp"
#include "cyrus/store_config.hpp"
#include "maildrop/maildrop.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace cyrus {

/// Where the files of one mailbox are (doc/format/layout.md). A value: computed once, it never touches the disk.
class MailboxPaths {
 public:
  /// Errors: invalid (the record is not usable, or its partition has no partition-NAME in imapd.conf).
  static base::Result<MailboxPaths> of(const MailboxRecord& record, const StoreConfig& config);

  /// The directory of the message files.
  const std::filesystem::path& data_directory() const { return data_; }
  /// The directory of archived message files (internal flag ARCHIVED); the data directory without an archive partition.
  const std::filesystem::path& archive_directory() const { return archive_; }

  /// The full path of "cyrus.index" and so on.
  std::filesystem::path file(MetaFile kind) const;
  /// The file that holds the next version until it is renamed: "cyrus.header.NEW".
  std::filesystem::path new_file(MetaFile kind) const;

  /// The message file: "17." in the data or the archive directory.
  std::filesystem::path message(maildrop::Uid uid, bool archived) const;

 private:
  MailboxPaths() = default;
  std::filesystem::path data_;
  std::filesystem::path archive_;
  std::map<MetaFile, std::filesystem::path> meta_;  // directories
};

/// The name of a message file: "17.".
std::string message_file_name(maildrop::Uid uid);

/// Lock files, below StoreConfig::lock_path. They are made on demand and never removed; which lock is taken when is
/// said in doc/format/locks.md.
///
/// The name lock of a mailbox: by uniqueid or by intname, as its layout says.
std::filesystem::path name_lock_path(const MailboxRecord& record, const StoreConfig& config);
/// The user lock of Cyrus 3.4 to 3.10. For mailboxes without an owner it is that of all of them together.
std::filesystem::path user_lock_path_3_4(const MailboxName& name, const StoreConfig& config);
/// The user lock of Cyrus 3.12 and later.
std::filesystem::path user_lock_path_3_12(const MailboxName& name, const StoreConfig& config);
/// Taken shared before the first exclusive lock (Cyrus 3.12 and later).
std::filesystem::path global_lock_path(const StoreConfig& config);

/// Taken exclusive while quota roots are made, changed or removed.
std::filesystem::path quota_change_lock_path(const StoreConfig& config);

}  // namespace cyrus

#pragma once

#include "cyrus/store_config.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace support {

/// Where the files of one mailbox are, and whose it is.
struct MailboxFiles {
  std::string owner;  ///< userid: private annotations count in its name
  std::filesystem::path index;
  std::filesystem::path header;
  std::filesystem::path annotations;  ///< may be missing
  std::filesystem::path data_directory;
  std::filesystem::path archive_directory;
  std::uint64_t annotation_octets = 0;  ///< of the mailbox itself, in annotations.db
};

/// Recomputes everything that cyrus.index says twice, from its records, cyrus.header, cyrus.annotations and the message
/// files: every CRC, counter, usage and sync CRC, and compares. One line for each contradiction; none: all is well.
///
/// Reads index and header by the tables of doc/format, with no code of src/cyrus: an error there does not hide itself.
std::vector<std::string> check_mailbox(const MailboxFiles& files);

/// Holds a message that was delivered against all that is known of it: GUID and header size of its file, and its record
/// in cyrus.cache (ten items of the lengths they say, CRC, version). Also: no message file is there that has no record.
std::vector<std::string> check_delivered(const MailboxFiles& files, std::uint32_t uid);

/// Rewrites the header of cyrus.index, and modseqs of records, so that check_mailbox() has nothing to say of them. For
/// indexes that were filled with random numbers.
void make_consistent(const MailboxFiles& files);

/// check_mailbox() for each mailbox of a store, and that each quota root counts what its mailboxes use.
std::vector<std::string> check_store(const cyrus::StoreConfig& config);

/// The files of a mailbox by its intname, as mailboxes.db and imapd.conf have it. Throws when it is not there.
MailboxFiles mailbox_files(const cyrus::StoreConfig& config, const std::string& intname);

/// Writes a quota file for each root that a mailbox of the store names, in the form of 3.0 and later, with the usage
/// that the indexes have.
void write_quota_files(const cyrus::StoreConfig& config);

}  // namespace support

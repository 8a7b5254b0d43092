#pragma once

#include "cyrus/store_config.hpp"
#include "support/random_index.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace support {

/// One message of a store that was made.
struct MadeMessage {
  std::uint32_t uid = 0;
  std::uint32_t flags = 0;
  std::uint64_t internaldate = 0;
  std::string text;
  std::filesystem::path file;  ///< where it was written; expunged ones may have none
};

/// One mailbox of a store that was made.
struct MadeMailbox {
  std::string userid;
  std::string folder;  ///< below INBOX, components separated by '.'; empty: INBOX
  std::string intname;
  std::string uniqueid;
  bool legacy = false;
  std::uint32_t index_version = 17;
  std::uint32_t uidvalidity = 0;
  std::uint32_t options = 1;
  std::uint64_t show_after = 0;
  std::uint32_t generation = 0;
  std::vector<MadeMessage> messages;

  std::filesystem::path data_directory;
  std::filesystem::path index_file;
  std::filesystem::path header_file;
};

/// Which release, and which options, a store looks like.
struct StoreShape {
  enum class List { by_name, plain_dlist, text };  ///< records of 3.6, of 3.0 to 3.4, of 2.4

  bool hash_spool = false;
  bool full_dir_hash = false;
  bool legacy = false;  ///< all mailboxes; always so with an older List
  bool header_in_metapartition = false;
  bool index_in_metapartition = false;
  bool archive = false;  ///< an archive partition with some of the messages
  bool unix_hierarchy_sep = true;
  bool pop_use_imap_flags = false;
  bool old_header_file = false;  ///< cyrus.header in three lines
  List list = List::by_name;
  std::uint32_t index_version = 0;  ///< of mailboxes that add() makes; 0: each has its own, at random
  cyrus::UidlFormat uidl_format = cyrus::UidlFormat::cyrus;
};

/// Shapes that real releases leave, at random.
StoreShape random_shape(Random& random);

/// Makes a Cyrus mail store in a directory: imapd.conf, mailboxes.db, indexes, headers and messages, with right
/// checksums everywhere. Tests only: throws on any failure.
class StoreMaker {
 public:
  StoreMaker(std::filesystem::path root, const StoreShape& shape, std::uint64_t seed);

  /// A mailbox with everything random that may be: index version, flags, expunged records, gaps between UIDs, values
  /// of all other fields. It is on disk when this returns, and listed after finish().
  /// The reference is valid until the next call. `userid` may have a domain.
  const MadeMailbox& add(const std::string& userid, const std::string& folder, std::size_t messages);

  /// A plain mailbox, for load: index version 17, `messages` live messages of varied size, nothing odd.
  const MadeMailbox& add_plain(const std::string& userid, std::size_t messages);

  /// A line of mailboxes.db as it is to be, under the name of a mailbox that add() does not make.
  void add_list_record(const std::string& dbname, const std::string& value) { extra_records_[dbname] = value; }

  /// Writes mailboxes.db and imapd.conf.
  void finish();

  const std::vector<MadeMailbox>& mailboxes() const { return mailboxes_; }
  const std::filesystem::path& root() const { return root_; }
  /// What imapd.conf says.
  cyrus::StoreConfig config() const;

 private:
  void write(MadeMailbox& mailbox, bool odd);
  void place_files(MadeMailbox& mailbox, bool odd);
  std::string header_file(const MadeMailbox& mailbox, bool odd);
  std::string index_file(const MadeMailbox& mailbox, const std::string& header_file, bool odd);
  std::filesystem::path directory(const std::filesystem::path& root, const MadeMailbox& mailbox) const;
  std::string random_text(std::size_t octets);

  std::filesystem::path root_;
  StoreShape shape_;
  Random random_;
  std::vector<MadeMailbox> mailboxes_;
  std::map<std::string, std::string> extra_records_;
};

}  // namespace support

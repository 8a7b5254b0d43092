#pragma once

#include "cyrus/index_header.hpp"
#include "cyrus/index_record.hpp"
#include "cyrus/message_annotations.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cyrus {

/// Recomputes what the header of cyrus.index says of its records (doc/format/update.md): feed it every record, and
/// compare. Pure.
class IndexRecount {
 public:
  /// `version` is that of the index, `user_flags` the names of cyrus.header, `owner` the userid of the mailbox's owner.
  IndexRecount(std::uint32_t version, std::vector<std::string> user_flags, std::string owner);

  /// Counts a record; `annotations` are those of its message.
  void add(const IndexRecord& record, const std::vector<MessageAnnotation>& annotations);

  /// Counts what annotations.db has of the mailbox itself.
  void add_of_mailbox(const std::vector<MessageAnnotation>& annotations);

  /// What `header` has that does not follow from the records: "exists is 3, should be 2". Numbers that are only bounds
  /// (last_uid, highestmodseq, first_expunged) are held as such.
  std::vector<std::string> differences(const IndexHeader& header) const;

 private:
  std::uint32_t version_;
  std::vector<std::string> user_flags_;
  std::string owner_;

  std::uint64_t exists_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t flagged_ = 0;
  std::uint64_t deleted_ = 0;
  std::uint64_t unseen_ = 0;
  std::uint64_t used_ = 0;
  std::uint64_t annotations_used_ = 0;
  std::uint64_t deleted_used_ = 0;
  std::uint64_t expunged_used_ = 0;
  std::uint32_t sync_crc_basic_ = 0;
  std::uint32_t sync_crc_annot_;
  std::uint32_t last_uid_ = 0;
  std::uint64_t highestmodseq_ = 0;
  Time first_expunged_;
  bool needs_cleanup_ = false;
};

}  // namespace cyrus

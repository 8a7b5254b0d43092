#pragma once

#include "base/result.hpp"
#include "cyrus/index_header.hpp"
#include "cyrus/index_record.hpp"
#include "cyrus/message_annotations.hpp"
#include "cyrus/message_facts.hpp"
#include "cyrus/quota_file.hpp"
#include "cyrus/store_config.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cyrus {

/// Replaces the number at `field` of a header or record; nothing when the version has no such field. A number too large
/// for the field becomes the largest one. The CRC is wrong until seal().
void store(std::span<unsigned char> bytes, Field field, std::uint64_t number);
void store(std::span<unsigned char> bytes, TimeField field, Time time);

/// Sets the CRC at the end of a header or record.
void seal(std::span<unsigned char> bytes);

/// One change of a mailbox, computed in memory: records and header as they are go in, and come out as they shall be
/// (doc/format/update.md). Bytes that are not ours to change stay as they are. Pure.
class IndexChange {
 public:
  /// `header` is what `header_bytes` decode to; `user_flags` are the names of cyrus.header; `owner` is the userid that
  /// owns the mailbox; `now` becomes last_updated of everything that changes.
  IndexChange(const IndexHeader& header, std::span<const unsigned char> header_bytes,
              std::vector<std::string> user_flags, std::string owner, std::uint64_t now);

  /// Changes `record` so that its message is expunged, and what the header counts. It must not be expunged yet (CHECK).
  /// Returns the new record.
  IndexRecord expunge(std::span<unsigned char> record, const std::vector<MessageAnnotation>& annotations,
                      ExpungeMode mode);

  /// Sets \Seen, in the same way. Needs a record that is not expunged (CHECK).
  IndexRecord mark_seen(std::span<unsigned char> record);

  /// A message that joins the mailbox as the next record. Its UID is last_uid + 1, its modseq the next one, its flags
  /// `flags`. `cache_offset` is 0 without a cache record. Returns the record; `bytes` become what is written. Errors:
  /// limit (no UID is left; the message is too large for this index version).
  base::Result<IndexRecord> append(const MessageFacts& message, std::uint32_t flags, std::uint64_t cache_offset,
                                   std::vector<unsigned char>& bytes);

  /// Does not count as a change of the mailbox: no modseq is used up.
  void set_pop3_last_login(std::uint64_t login);

  /// The header after all of that.
  const IndexHeader& header() const { return header_; }
  std::vector<unsigned char> header_bytes() const;

  /// What all of that changed of the mailbox's usage.
  QuotaUsage usage_change() const;

 private:
  IndexRecord rewrite(std::span<unsigned char> bytes, const IndexRecord& old, std::uint32_t flags);
  void count(const IndexRecord& record, bool in);

  IndexHeader before_;
  IndexHeader header_;
  std::vector<unsigned char> bytes_;
  std::vector<std::string> user_flags_;
  std::string owner_;
  std::uint64_t now_;
};

}  // namespace cyrus

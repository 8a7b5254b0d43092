#include "cyrus/index_change.hpp"

#include "base/byte_order.hpp"
#include "base/check.hpp"
#include "base/crc32.hpp"
#include "cyrus/sync_crc.hpp"

#include <algorithm>
#include <concepts>
#include <limits>
#include <string>
#include <utility>

namespace cyrus {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::uint64_t kMost32 = std::numeric_limits<std::uint32_t>::max();

/// Counters of a mailbox that a crash left with wrong ones must not wrap: that would be noticed much later.
template <std::unsigned_integral Number>
void add(Number& counter, std::uint64_t amount, bool in) {
  const std::uint64_t room = std::numeric_limits<Number>::max() - counter;
  if (in) {
    counter = static_cast<Number>(counter + std::min(amount, room));
  } else {
    counter = static_cast<Number>(counter - std::min<std::uint64_t>(amount, counter));
  }
}

std::int64_t difference(std::uint64_t before, std::uint64_t after) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (after >= before) return static_cast<std::int64_t>(std::min(after - before, kMost));
  return -static_cast<std::int64_t>(std::min(before - after, kMost));
}

}  // namespace

void store(std::span<unsigned char> bytes, Field field, std::uint64_t number) {
  if (field.width == 4) base::store_be32(bytes, field.at, static_cast<std::uint32_t>(std::min(number, kMost32)));
  if (field.width == 8) base::store_be64(bytes, field.at, number);
}

void store(std::span<unsigned char> bytes, TimeField field, Time time) {
  const Field plain{field.at, field.width};
  if (field.width != 8) {
    store(bytes, plain, time.seconds);
    return;
  }
  constexpr std::uint64_t kMostSeconds = std::numeric_limits<std::uint64_t>::max() / kNanosecondsPerSecond - 1;
  store(bytes, plain, std::min(time.seconds, kMostSeconds) * kNanosecondsPerSecond + time.nanoseconds);
}

void seal(std::span<unsigned char> bytes) {
  const std::size_t covered = bytes.size() - 4;
  base::store_be32(bytes, covered, base::crc32(bytes.first(covered)));
}

IndexChange::IndexChange(const IndexHeader& header, std::span<const unsigned char> header_bytes,
                         std::vector<std::string> user_flags, std::string owner, std::uint64_t now)
    : before_(header),
      header_(header),
      bytes_(header_bytes.begin(), header_bytes.end()),
      user_flags_(std::move(user_flags)),
      owner_(std::move(owner)),
      now_(now) {
  CHECK(bytes_.size() == header.format_table->header_size);
}

// What the header knows of a message: counts, usage and both sync CRCs, with `in` or without it.
void IndexChange::count(const IndexRecord& record, bool in) {
  header_.sync_crc_basic ^= sync_crc_basic(record, user_flags_);
  header_.sync_crc_annot ^= sync_crc_virtual_annotations(header_.minor_version, record);
  if (record.has(flag_bit::kExpunged)) {
    if (!record.has(flag_bit::kUnlinked)) add(header_.quota_expunged_used, record.size, in);
    return;
  }
  add(header_.exists, 1, in);
  add(header_.quota_mailbox_used, record.size, in);
  if (record.has(flag_bit::kAnswered)) add(header_.answered, 1, in);
  if (record.has(flag_bit::kFlagged)) add(header_.flagged, 1, in);
  if (!record.has(flag_bit::kSeen)) add(header_.unseen, 1, in);
  if (record.has(flag_bit::kDeleted)) {
    add(header_.deleted, 1, in);
    add(header_.quota_deleted_used, record.size, in);
  }
}

IndexRecord IndexChange::rewrite(std::span<unsigned char> bytes, const IndexRecord& old, std::uint32_t flags) {
  const IndexFormat& format = *header_.format_table;
  // A header that a crash left behind its records must not give out the same modseq twice.
  header_.highestmodseq = std::max(header_.highestmodseq, old.modseq);
  add(header_.highestmodseq, 1, true);
  store(bytes, format.record.flags, flags);
  store(bytes, format.record.modseq, header_.highestmodseq);
  store(bytes, format.record.last_updated, Time{now_, 0});
  seal(bytes);
  const IndexRecord changed = decode_index_record(format, bytes);
  count(old, false);
  count(changed, true);
  return changed;
}

IndexRecord IndexChange::expunge(std::span<unsigned char> record, const std::vector<MessageAnnotation>& annotations,
                                 ExpungeMode mode) {
  const IndexRecord old = decode_index_record(*header_.format_table, record);
  CHECK(!old.has(flag_bit::kExpunged));
  std::uint32_t flags = old.flags | flag_bit::kDeleted | flag_bit::kExpunged;
  if (mode != ExpungeMode::delayed) {
    // Who closes the mailbox next removes the file, and with the second option bit the record too.
    flags |= flag_bit::kUnlinked | flag_bit::kNeedsCleanup;
    header_.options |= option_bit::kNeedsUnlink;
    if (mode == ExpungeMode::immediate) header_.options |= option_bit::kNeedsRepack;
  }
  const IndexRecord changed = rewrite(record, old, flags);

  if (header_.first_expunged.seconds == 0 || changed.last_updated < header_.first_expunged) {
    header_.first_expunged = changed.last_updated;
  }
  const bool counts_annotations = header_.format_table->header.sync_crc_annot.present();
  for (const MessageAnnotation& annotation : annotations) {
    if (!counts_annotations) break;
    const bool is_owners = annotation.userid == kAnnotationOwner;
    const std::string& userid = is_owners ? owner_ : annotation.userid;
    header_.sync_crc_annot ^= sync_crc_annotation(old.uid, annotation.entry, userid, annotation.value);
    add(header_.quota_annot_used, annotation.value.size(), false);
  }
  return changed;
}

IndexRecord IndexChange::mark_seen(std::span<unsigned char> record) {
  const IndexRecord old = decode_index_record(*header_.format_table, record);
  CHECK(!old.has(flag_bit::kExpunged));
  return rewrite(record, old, old.flags | flag_bit::kSeen);
}

base::Result<IndexRecord> IndexChange::append(const MessageFacts& message, std::uint32_t flags,
                                              std::uint64_t cache_offset, std::vector<unsigned char>& bytes) {
  const IndexFormat& format = *header_.format_table;
  const IndexRecordLayout& at = format.record;
  if (header_.last_uid == kMost32 || header_.num_records == kMost32) {
    return base::fail(base::Errc::limit, "no UID is left");
  }
  if (at.size.width == 4 && message.size > kMost32) {
    return base::fail(base::Errc::limit, "index version " + std::to_string(header_.minor_version) +
                                             " has no messages of " + std::to_string(message.size) + " octets");
  }
  ++header_.last_uid;
  ++header_.num_records;
  header_.last_appenddate = Time{now_, 0};
  add(header_.highestmodseq, 1, true);

  bytes.assign(format.record_size, 0);
  const std::span<unsigned char> record(bytes);
  store(record, at.uid, header_.last_uid);
  store(record, at.internaldate, message.internaldate);
  store(record, at.sentdate, message.sentdate);
  store(record, at.size, message.size);
  store(record, at.header_size, message.header_size);
  store(record, at.gmtime, message.gmtime);
  store(record, at.flags, flags);
  store(record, at.last_updated, Time{now_, 0});
  store(record, at.savedate, Time{now_, 0});
  if (cache_offset != 0) {
    store(record, at.cache_offset_low, cache_offset & kMost32);
    store(record, at.cache_word, (cache_offset >> 32) << 16 | message.cache_version);
    store(record, at.cache_crc, message.cache_crc);
  }
  std::ranges::copy(message.guid, record.begin() + at.guid_at);
  store(record, at.modseq, header_.highestmodseq);
  store(record, at.createdmodseq, header_.highestmodseq);
  seal(record);
  const IndexRecord appended = decode_index_record(format, record);
  count(appended, true);
  return appended;
}

void IndexChange::set_pop3_last_login(std::uint64_t login) { header_.pop3_last_login = Time{login, 0}; }

std::vector<unsigned char> IndexChange::header_bytes() const {
  std::vector<unsigned char> bytes = bytes_;
  const IndexHeaderLayout& at = header_.format_table->header;
  store(bytes, kNumRecordsField, header_.num_records);
  store(bytes, at.last_uid, header_.last_uid);
  store(bytes, at.last_appenddate, header_.last_appenddate);
  store(bytes, at.pop3_last_login, header_.pop3_last_login);
  store(bytes, at.quota_mailbox_used, header_.quota_mailbox_used);
  store(bytes, at.deleted, header_.deleted);
  store(bytes, at.answered, header_.answered);
  store(bytes, at.flagged, header_.flagged);
  store(bytes, at.options, header_.options);
  store(bytes, at.highestmodseq, header_.highestmodseq);
  store(bytes, at.exists, header_.exists);
  store(bytes, at.first_expunged, header_.first_expunged);
  store(bytes, at.sync_crc_basic, header_.sync_crc_basic);
  store(bytes, at.sync_crc_annot, header_.sync_crc_annot);
  store(bytes, at.unseen, header_.unseen);
  store(bytes, at.quota_annot_used, header_.quota_annot_used);
  store(bytes, at.quota_deleted_used, header_.quota_deleted_used);
  store(bytes, at.quota_expunged_used, header_.quota_expunged_used);
  seal(bytes);
  return bytes;
}

QuotaUsage IndexChange::usage_change() const {
  return QuotaUsage{difference(before_.quota_mailbox_used, header_.quota_mailbox_used),
                    difference(before_.exists, header_.exists),
                    difference(before_.quota_annot_used, header_.quota_annot_used)};
}

}  // namespace cyrus

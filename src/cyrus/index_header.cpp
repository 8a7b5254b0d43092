#include "cyrus/index_header.hpp"

#include "base/byte_order.hpp"
#include "base/crc32.hpp"

#include <string>

namespace cyrus {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::size_t kCrcSize = 4;

std::uint32_t load32(std::span<const unsigned char> bytes, Field field) {
  return static_cast<std::uint32_t>(load(bytes, field));
}

tl::unexpected<base::Error> corrupt(std::string_view what, std::string_view text) {
  return base::fail(base::Errc::corrupt, std::string(what) + ": " + std::string(text) + "; run reconstruct");
}

base::Result<const IndexFormat*> find_format(std::uint32_t version, std::string_view what) {
  if (const IndexFormat* format = find_index_format(version)) return format;
  std::string text = std::string(what) + ": minor version " + std::to_string(version);
  // A torn first block reads as version 0, and no release ever wrote less than 6: not something to upgrade.
  if (version < 6) return corrupt(what, "minor version " + std::to_string(version) + " never existed");
  if (version < kOldestIndexVersion) {
    text += " is older than 12; convert the mailbox with reconstruct -V max";
  } else {
    text += " is newer than 20, the newest one known here";
  }
  return base::fail(base::Errc::unsupported, std::move(text));
}

}  // namespace

std::uint64_t load(std::span<const unsigned char> bytes, Field field) {
  switch (field.width) {
    case 4:
      return base::load_be32(bytes, field.at);
    case 8:
      return base::load_be64(bytes, field.at);
    default:
      return 0;
  }
}

Time load(std::span<const unsigned char> bytes, TimeField field) {
  const std::uint64_t number = load(bytes, Field{field.at, field.width});
  if (field.width != 8) return Time{number, 0};
  return Time{number / kNanosecondsPerSecond, static_cast<std::uint32_t>(number % kNanosecondsPerSecond)};
}

base::Result<IndexHeader> parse_index_header(std::span<const unsigned char> bytes, std::string_view what) {
  constexpr std::size_t kFixedPart = 24;  // up to and including num_records, the same in all versions
  if (bytes.size() < kFixedPart) {
    return corrupt(what, "only " + std::to_string(bytes.size()) + " bytes, too short for a header");
  }
  const auto format = find_format(load32(bytes, kMinorVersionField), what);
  if (!format) return tl::unexpected(format.error());
  const IndexFormat& f = **format;

  IndexHeader h;
  h.format_table = &f;
  h.minor_version = f.version;
  h.start_offset = load32(bytes, kStartOffsetField);
  h.record_size = load32(bytes, kRecordSizeField);
  h.num_records = load32(bytes, kNumRecordsField);
  if (h.start_offset != f.header_size || h.record_size != f.record_size) {
    return corrupt(what, "version " + std::to_string(f.version) + " with a header of " +
                             std::to_string(h.start_offset) + " and records of " + std::to_string(h.record_size) +
                             " bytes instead of " + std::to_string(f.header_size) + " and " +
                             std::to_string(f.record_size));
  }
  if (bytes.size() < f.header_size) {
    return corrupt(what, "ends at octet " + std::to_string(bytes.size()) + ", within the header");
  }
  bytes = bytes.first(f.header_size);
  const std::size_t covered = bytes.size() - kCrcSize;
  if (base::crc32(bytes.first(covered)) != base::load_be32(bytes, covered)) return corrupt(what, "wrong header CRC");

  const IndexHeaderLayout& at = f.header;
  h.generation_no = load32(bytes, at.generation_no);
  h.last_appenddate = load(bytes, at.last_appenddate);
  h.last_uid = load32(bytes, at.last_uid);
  h.quota_mailbox_used = load(bytes, at.quota_mailbox_used);
  h.pop3_last_login = load(bytes, at.pop3_last_login);
  h.uidvalidity = load32(bytes, at.uidvalidity);
  h.deleted = load32(bytes, at.deleted);
  h.answered = load32(bytes, at.answered);
  h.flagged = load32(bytes, at.flagged);
  h.options = load32(bytes, at.options);
  h.leaked_cache_records = load32(bytes, at.leaked_cache_records);
  h.highestmodseq = load(bytes, at.highestmodseq);
  h.deletedmodseq = load(bytes, at.deletedmodseq);
  h.exists = load32(bytes, at.exists);
  h.first_expunged = load(bytes, at.first_expunged);
  h.last_repack_time = load(bytes, at.last_repack_time);
  h.header_file_crc = load32(bytes, at.header_file_crc);
  h.sync_crc_basic = load32(bytes, at.sync_crc_basic);
  h.recentuid = load32(bytes, at.recentuid);
  h.recenttime = load(bytes, at.recenttime);
  h.pop3_show_after = load(bytes, at.pop3_show_after);
  h.quota_annot_used = load(bytes, at.quota_annot_used);
  h.sync_crc_annot = load32(bytes, at.sync_crc_annot);
  h.unseen = load32(bytes, at.unseen);
  h.createdmodseq = load(bytes, at.createdmodseq);
  h.changes_epoch = load(bytes, at.changes_epoch);
  h.quota_deleted_used = load(bytes, at.quota_deleted_used);
  h.quota_expunged_used = load(bytes, at.quota_expunged_used);

  // Cyrus normalises these two whenever it reads a header, and so writes them with the next change. The first decides
  // which unique-ids a mailbox shows, so we must agree.
  if (h.exists == 0) h.options |= option_bit::kPop3NewUidl;
  if (h.highestmodseq == 0) h.highestmodseq = 1;
  return h;
}

}  // namespace cyrus

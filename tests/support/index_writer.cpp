#include "support/index_writer.hpp"

#include "base/crc32.hpp"

namespace support {
namespace {

void append_bytes(std::string& to, std::uint64_t number, int width) {
  for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) to += static_cast<char>((number >> shift) & 0xff);
}

std::uint64_t nanoseconds(cyrus::Time time) { return time.seconds * 1'000'000'000 + time.nanoseconds; }

void append_crc(std::string& to) { append_be32(to, base::crc32(to)); }

/// The fields that versions 12 to 19 begin with.
void append_head(std::string& to, const cyrus::IndexHeader& h, std::uint32_t start, std::uint32_t record_size) {
  append_be32(to, h.generation_no);
  append_be32(to, 0);  // format
  append_be32(to, h.minor_version);
  append_be32(to, start);
  append_be32(to, record_size);
  append_be32(to, h.num_records);
}

std::string header_12_to_18(const cyrus::IndexHeader& h) {
  const std::uint32_t version = h.minor_version;
  std::string b;
  const std::uint32_t record_size = version == 12 ? 96 : version <= 15 ? 104 : 112;
  append_head(b, h, version <= 13 ? 128 : 160, record_size);
  append_be32(b, h.last_appenddate.seconds);
  append_be32(b, h.last_uid);
  append_be64(b, h.quota_mailbox_used);
  append_be32(b, h.pop3_last_login.seconds);
  append_be32(b, h.uidvalidity);
  append_be32(b, h.deleted);
  append_be32(b, h.answered);
  append_be32(b, h.flagged);
  append_be32(b, h.options);
  append_be32(b, h.leaked_cache_records);
  append_be64(b, h.highestmodseq);
  append_be64(b, h.deletedmodseq);
  append_be32(b, h.exists);
  append_be32(b, h.first_expunged.seconds);
  append_be32(b, h.last_repack_time.seconds);
  append_be32(b, h.header_file_crc);
  append_be32(b, h.sync_crc_basic);
  append_be32(b, h.recentuid);
  append_be32(b, h.recenttime.seconds);
  append_be32(b, version >= 13 ? h.pop3_show_after.seconds : 0);
  append_be32(b, version >= 13 ? h.quota_annot_used : 0);
  append_be32(b, version >= 13 ? h.sync_crc_annot : 0);
  if (version >= 14) {
    append_be32(b, h.unseen);
    append_be64(b, version >= 16 ? h.createdmodseq : 0);
    append_be32(b, version >= 17 ? h.changes_epoch.seconds : 0);
    append_be64(b, version >= 18 ? h.quota_deleted_used : 0);
    append_be64(b, version >= 18 ? h.quota_expunged_used : 0);
  }
  append_crc(b);
  return b;
}

std::string header_19(const cyrus::IndexHeader& h) {
  std::string b;
  append_head(b, h, 160, 112);
  append_be32(b, h.last_appenddate.seconds);
  append_be32(b, h.last_uid);
  append_be64(b, h.quota_mailbox_used);
  append_be32(b, h.pop3_last_login.seconds);
  append_be32(b, h.uidvalidity);
  append_be32(b, h.deleted);
  append_be32(b, h.answered);
  append_be32(b, h.flagged);
  append_be32(b, h.exists);
  append_be32(b, h.options);
  append_be32(b, h.leaked_cache_records);
  append_be64(b, h.highestmodseq);
  append_be64(b, h.deletedmodseq);
  append_be32(b, h.first_expunged.seconds);
  append_be32(b, h.last_repack_time.seconds);
  append_be32(b, h.header_file_crc);
  append_be32(b, h.sync_crc_basic);
  append_be32(b, h.recentuid);
  append_be32(b, h.recenttime.seconds);
  append_be32(b, h.pop3_show_after.seconds);
  append_be32(b, h.quota_annot_used);
  append_be32(b, h.sync_crc_annot);
  append_be32(b, h.unseen);
  append_be64(b, h.createdmodseq);
  append_be64(b, h.quota_deleted_used);
  append_be64(b, h.quota_expunged_used);
  append_be32(b, h.changes_epoch.seconds);
  append_crc(b);
  return b;
}

std::string header_20(const cyrus::IndexHeader& h) {
  std::string b;
  append_head(b, h, 192, 144);
  append_be64(b, nanoseconds(h.last_appenddate));
  append_be64(b, h.quota_mailbox_used);
  append_be64(b, nanoseconds(h.pop3_last_login));
  append_be32(b, h.deleted);
  append_be32(b, h.answered);
  append_be32(b, h.flagged);
  append_be32(b, h.exists);
  append_be32(b, h.options);
  append_be32(b, h.leaked_cache_records);
  append_be64(b, h.highestmodseq);
  append_be64(b, h.deletedmodseq);
  append_be32(b, h.last_uid);
  append_be32(b, h.uidvalidity);
  append_be32(b, h.header_file_crc);
  append_be32(b, h.sync_crc_basic);
  append_be64(b, nanoseconds(h.recenttime));
  append_be64(b, nanoseconds(h.pop3_show_after));
  append_be32(b, h.sync_crc_annot);
  append_be32(b, h.unseen);
  append_be64(b, h.createdmodseq);
  append_be64(b, h.quota_deleted_used);
  append_be64(b, h.quota_expunged_used);
  append_be64(b, h.quota_annot_used);
  append_be64(b, nanoseconds(h.changes_epoch));
  append_be64(b, nanoseconds(h.first_expunged));
  append_be64(b, nanoseconds(h.last_repack_time));
  append_be32(b, h.recentuid);
  append_crc(b);
  return b;
}

void append_guid(std::string& to, const cyrus::IndexRecord& r) { to.append(r.guid.begin(), r.guid.end()); }

std::string record_12_to_19(std::uint32_t version, const cyrus::IndexRecord& r) {
  std::string b;
  append_be32(b, r.uid);
  append_be32(b, r.internaldate.seconds);
  append_be32(b, r.sentdate.seconds);
  append_be32(b, r.size);
  append_be32(b, r.header_size);
  append_be32(b, r.gmtime.seconds);
  append_be32(b, r.cache_offset & 0xffffffff);
  append_be32(b, r.last_updated.seconds);
  append_be32(b, r.flags);
  for (const auto word : r.user_flags) append_be32(b, word);
  append_be32(b, version >= 15 ? r.savedate.seconds : r.content_lines);
  append_be16(b, r.cache_offset >> 32);
  append_be16(b, r.cache_version);
  append_guid(b, r);
  append_be64(b, r.modseq);
  if (version >= 13) append_be64(b, r.cid);
  if (version >= 16) append_be64(b, r.createdmodseq);
  append_be32(b, r.cache_crc);
  append_crc(b);
  return b;
}

std::string record_20(const cyrus::IndexRecord& r) {
  std::string b;
  append_be32(b, r.uid);
  append_be32(b, r.cache_offset & 0xffffffff);
  append_be64(b, nanoseconds(r.internaldate));
  append_be64(b, nanoseconds(r.sentdate));
  append_be64(b, r.size);
  append_be32(b, r.header_size);
  append_be32(b, r.flags);
  for (const auto word : r.user_flags) append_be32(b, word);
  append_be16(b, r.cache_offset >> 32);
  append_be16(b, r.cache_version);
  append_guid(b, r);
  append_be64(b, r.modseq);
  append_be64(b, r.cid);
  append_be64(b, r.createdmodseq);
  append_be64(b, nanoseconds(r.gmtime));
  append_be64(b, nanoseconds(r.last_updated));
  append_be64(b, nanoseconds(r.savedate));
  append_be64(b, r.basecid);
  append_be32(b, r.cache_crc);
  append_crc(b);
  return b;
}

}  // namespace

void append_be16(std::string& to, std::uint64_t number) { append_bytes(to, number, 2); }
void append_be32(std::string& to, std::uint64_t number) { append_bytes(to, number, 4); }
void append_be64(std::string& to, std::uint64_t number) { append_bytes(to, number, 8); }

std::string index_header_bytes(const cyrus::IndexHeader& header) {
  if (header.minor_version == 20) return header_20(header);
  if (header.minor_version == 19) return header_19(header);
  return header_12_to_18(header);
}

std::string index_record_bytes(std::uint32_t version, const cyrus::IndexRecord& record) {
  return version == 20 ? record_20(record) : record_12_to_19(version, record);
}

}  // namespace support

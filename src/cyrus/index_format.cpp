#include "cyrus/index_format.hpp"

#include <array>
#include <cstddef>

namespace cyrus {
namespace {

// Versions 12 to 18 only add fields at the end of the header or in spare room, so each table says what is new in it.
// 19 and 20 were laid out afresh.

constexpr IndexFormat version_12() {
  IndexFormat f;
  f.version = 12;
  f.header_size = 128;
  f.record_size = 96;

  f.header.last_appenddate = {24, 4};
  f.header.last_uid = {28, 4};
  f.header.quota_mailbox_used = {32, 8};
  f.header.pop3_last_login = {40, 4};
  f.header.uidvalidity = {44, 4};
  f.header.deleted = {48, 4};
  f.header.answered = {52, 4};
  f.header.flagged = {56, 4};
  f.header.options = {60, 4};
  f.header.leaked_cache_records = {64, 4};
  f.header.highestmodseq = {68, 8};
  f.header.deletedmodseq = {76, 8};
  f.header.exists = {84, 4};
  f.header.first_expunged = {88, 4};
  f.header.last_repack_time = {92, 4};
  f.header.header_file_crc = {96, 4};
  f.header.sync_crc_basic = {100, 4};
  f.header.recentuid = {104, 4};
  f.header.recenttime = {108, 4};

  f.record.internaldate = {4, 4};
  f.record.sentdate = {8, 4};
  f.record.size = {12, 4};
  f.record.header_size = {16, 4};
  f.record.gmtime = {20, 4};
  f.record.cache_offset_low = {24, 4};
  f.record.last_updated = {28, 4};
  f.record.flags = {32, 4};
  f.record.user_flags_at = 36;
  f.record.content_lines = {52, 4};
  f.record.cache_word = {56, 4};
  f.record.guid_at = 60;
  f.record.modseq = {80, 8};
  f.record.cache_crc = {88, 4};
  return f;
}

constexpr IndexFormat version_13() {
  IndexFormat f = version_12();
  f.version = 13;
  f.record_size = 104;
  f.header.pop3_show_after = {112, 4};
  f.header.quota_annot_used = {116, 4};
  f.header.sync_crc_annot = {120, 4};
  f.record.cid = {88, 8};
  f.record.cache_crc = {96, 4};
  return f;
}

constexpr IndexFormat version_14() {
  IndexFormat f = version_13();
  f.version = 14;
  f.header_size = 160;
  f.header.unseen = {124, 4};
  return f;
}

constexpr IndexFormat version_15() {
  IndexFormat f = version_14();
  f.version = 15;
  f.record.content_lines = {};
  f.record.savedate = {52, 4};
  return f;
}

constexpr IndexFormat version_16() {
  IndexFormat f = version_15();
  f.version = 16;
  f.record_size = 112;
  f.header.createdmodseq = {128, 8};
  f.record.createdmodseq = {96, 8};
  f.record.cache_crc = {104, 4};
  return f;
}

constexpr IndexFormat version_17() {
  IndexFormat f = version_16();
  f.version = 17;
  f.header.changes_epoch = {136, 4};
  return f;
}

constexpr IndexFormat version_18() {
  IndexFormat f = version_17();
  f.version = 18;
  f.header.quota_deleted_used = {140, 8};
  f.header.quota_expunged_used = {148, 8};
  return f;
}

constexpr IndexFormat version_19() {
  IndexFormat f = version_18();
  f.version = 19;
  f.header.exists = {60, 4};
  f.header.options = {64, 4};
  f.header.leaked_cache_records = {68, 4};
  f.header.highestmodseq = {72, 8};
  f.header.deletedmodseq = {80, 8};
  f.header.quota_deleted_used = {136, 8};
  f.header.quota_expunged_used = {144, 8};
  f.header.changes_epoch = {152, 4};
  return f;
}

constexpr IndexFormat version_20() {
  IndexFormat f;
  f.version = 20;
  f.header_size = 192;
  f.record_size = 144;

  f.header.last_appenddate = {24, 8};
  f.header.quota_mailbox_used = {32, 8};
  f.header.pop3_last_login = {40, 8};
  f.header.deleted = {48, 4};
  f.header.answered = {52, 4};
  f.header.flagged = {56, 4};
  f.header.exists = {60, 4};
  f.header.options = {64, 4};
  f.header.leaked_cache_records = {68, 4};
  f.header.highestmodseq = {72, 8};
  f.header.deletedmodseq = {80, 8};
  f.header.last_uid = {88, 4};
  f.header.uidvalidity = {92, 4};
  f.header.header_file_crc = {96, 4};
  f.header.sync_crc_basic = {100, 4};
  f.header.recenttime = {104, 8};
  f.header.pop3_show_after = {112, 8};
  f.header.sync_crc_annot = {120, 4};
  f.header.unseen = {124, 4};
  f.header.createdmodseq = {128, 8};
  f.header.quota_deleted_used = {136, 8};
  f.header.quota_expunged_used = {144, 8};
  f.header.quota_annot_used = {152, 8};
  f.header.changes_epoch = {160, 8};
  f.header.first_expunged = {168, 8};
  f.header.last_repack_time = {176, 8};
  f.header.recentuid = {184, 4};

  f.record.cache_offset_low = {4, 4};
  f.record.internaldate = {8, 8};
  f.record.sentdate = {16, 8};
  f.record.size = {24, 8};
  f.record.header_size = {32, 4};
  f.record.flags = {36, 4};
  f.record.user_flags_at = 40;
  f.record.cache_word = {56, 4};
  f.record.guid_at = 60;
  f.record.modseq = {80, 8};
  f.record.cid = {88, 8};
  f.record.createdmodseq = {96, 8};
  f.record.gmtime = {104, 8};
  f.record.last_updated = {112, 8};
  f.record.savedate = {120, 8};
  f.record.basecid = {128, 8};
  f.record.cache_crc = {136, 4};
  return f;
}

constexpr std::array kFormats = {version_12(), version_13(), version_14(), version_15(), version_16(),
                                 version_17(), version_18(), version_19(), version_20()};

// find_index_format() subtracts instead of searching: the tables must be without a gap.
constexpr bool is_gapless() {
  for (std::size_t i = 0; i < kFormats.size(); ++i) {
    if (kFormats[i].version != kOldestIndexVersion + i) return false;
    if (kFormats[i].header_size > kLargestIndexHeader || kFormats[i].record_size > kLargestIndexRecord) return false;
  }
  return kFormats.back().version == kNewestIndexVersion;
}
static_assert(is_gapless());

}  // namespace

const IndexFormat* find_index_format(std::uint32_t version) {
  if (version < kOldestIndexVersion || version > kNewestIndexVersion) return nullptr;
  return &kFormats[version - kOldestIndexVersion];
}

}  // namespace cyrus

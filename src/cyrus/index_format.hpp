#pragma once

#include <cstdint>

/// The layouts of cyrus.index, one per minor version (doc/format/index.md). Data only: decoding is in index_header.cpp
/// and index_record.cpp, so that a new version is a new table here and nothing else.
namespace cyrus {

/// Where a big-endian unsigned number stands within the header or a record.
struct Field {
  std::uint16_t at = 0;
  std::uint16_t width = 0;  ///< 4 or 8 bytes; 0: this version does not have the field, it reads as zero

  constexpr bool present() const { return width != 0; }
};

/// As Field, but a time: seconds since 1970 when 4 bytes wide, nanoseconds since 1970 when 8.
struct TimeField {
  std::uint16_t at = 0;
  std::uint16_t width = 0;

  constexpr bool present() const { return width != 0; }
};

/// These four stand in the same place in all versions: they say which table to use for the rest.
inline constexpr Field kMinorVersionField{8, 4};
inline constexpr Field kStartOffsetField{12, 4};
inline constexpr Field kRecordSizeField{16, 4};
inline constexpr Field kNumRecordsField{20, 4};

struct IndexHeaderLayout {
  Field generation_no{0, 4};
  Field format{4, 4};
  TimeField last_appenddate;
  Field last_uid;
  Field quota_mailbox_used;
  TimeField pop3_last_login;
  Field uidvalidity;
  Field deleted;
  Field answered;
  Field flagged;
  Field options;
  Field leaked_cache_records;
  Field highestmodseq;
  Field deletedmodseq;
  Field exists;
  TimeField first_expunged;
  TimeField last_repack_time;
  Field header_file_crc;
  Field sync_crc_basic;
  Field recentuid;
  TimeField recenttime;
  TimeField pop3_show_after;
  Field quota_annot_used;
  Field sync_crc_annot;
  Field unseen;
  Field createdmodseq;
  TimeField changes_epoch;
  Field quota_deleted_used;
  Field quota_expunged_used;
};

struct IndexRecordLayout {
  Field uid{0, 4};
  TimeField internaldate;
  TimeField sentdate;
  Field size;
  Field header_size;
  TimeField gmtime;
  Field cache_offset_low;
  TimeField last_updated;
  Field flags;
  std::uint16_t user_flags_at = 0;
  TimeField savedate;
  Field content_lines;  ///< stands where later versions have savedate
  Field cache_word;     ///< low half: cache version; high half: bits 32 to 47 of the cache offset
  std::uint16_t guid_at = 0;
  Field modseq;
  Field cid;
  Field createdmodseq;
  Field basecid;
  Field cache_crc;
};

/// Everything that depends on the minor version. The CRC is always the last 4 bytes of the header and of each record.
struct IndexFormat {
  std::uint32_t version = 0;
  std::uint32_t header_size = 0;  ///< what start_offset must say
  std::uint32_t record_size = 0;
  IndexHeaderLayout header;
  IndexRecordLayout record;
};

inline constexpr std::uint32_t kOldestIndexVersion = 12;
inline constexpr std::uint32_t kNewestIndexVersion = 20;
/// Large enough for the header, or one record, of any version.
inline constexpr std::uint32_t kLargestIndexHeader = 192;
inline constexpr std::uint32_t kLargestIndexRecord = 144;

/// The table of `version`, or nullptr below 12 and above 20. Static storage.
const IndexFormat* find_index_format(std::uint32_t version);

}  // namespace cyrus

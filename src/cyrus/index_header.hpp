#pragma once

#include "base/result.hpp"
#include "cyrus/index_format.hpp"

#include <compare>
#include <cstdint>
#include <span>
#include <string_view>

namespace cyrus {

/// A time of the store. Index versions below 20 know whole seconds only.
struct Time {
  std::uint64_t seconds = 0;  ///< since 1970; 0 means "not set" in most fields
  std::uint32_t nanoseconds = 0;

  auto operator<=>(const Time&) const = default;
};

/// Mailbox options, as bits of IndexHeader::options.
namespace option_bit {
inline constexpr std::uint32_t kPop3NewUidl = std::uint32_t{1} << 0;
inline constexpr std::uint32_t kSharedSeen = std::uint32_t{1} << 2;
inline constexpr std::uint32_t kDuplicateDelivery = std::uint32_t{1} << 3;  ///< no duplicate suppression here
inline constexpr std::uint32_t kNeedsUnlink = std::uint32_t{1} << 29;
inline constexpr std::uint32_t kNeedsRepack = std::uint32_t{1} << 30;
inline constexpr std::uint32_t kDeleted = std::uint32_t{1} << 31;
}  // namespace option_bit

/// The decoded header of cyrus.index. Names are those of doc/format/index.md; what a version lacks is zero.
struct IndexHeader {
  const IndexFormat* format_table = nullptr;  ///< static storage, never null after parse_index_header()

  std::uint32_t generation_no = 0;
  std::uint32_t minor_version = 0;
  std::uint32_t start_offset = 0;
  std::uint32_t record_size = 0;
  std::uint32_t num_records = 0;
  Time last_appenddate;
  std::uint32_t last_uid = 0;
  std::uint64_t quota_mailbox_used = 0;
  Time pop3_last_login;
  std::uint32_t uidvalidity = 0;
  std::uint32_t deleted = 0;
  std::uint32_t answered = 0;
  std::uint32_t flagged = 0;
  std::uint32_t options = 0;  ///< with kPop3NewUidl set when exists is 0, as every Cyrus reads it
  std::uint32_t leaked_cache_records = 0;
  std::uint64_t highestmodseq = 0;  ///< at least 1
  std::uint64_t deletedmodseq = 0;
  std::uint32_t exists = 0;
  Time first_expunged;
  Time last_repack_time;
  std::uint32_t header_file_crc = 0;
  std::uint32_t sync_crc_basic = 0;
  std::uint32_t recentuid = 0;
  Time recenttime;
  Time pop3_show_after;
  std::uint64_t quota_annot_used = 0;
  std::uint32_t sync_crc_annot = 0;
  std::uint32_t unseen = 0;
  std::uint64_t createdmodseq = 0;
  Time changes_epoch;
  std::uint64_t quota_deleted_used = 0;
  std::uint64_t quota_expunged_used = 0;

  bool has_option(std::uint32_t bit) const { return (options & bit) != 0; }
  /// The length that the file must have at least: start_offset + num_records * record_size. Cannot overflow.
  std::uint64_t end_of_records() const {
    return std::uint64_t{start_offset} + std::uint64_t{num_records} * std::uint64_t{record_size};
  }
};

/// Decodes a header from the first bytes of cyrus.index; kLargestIndexHeader bytes are enough for any version, and what
/// follows the header is not looked at. Pure. `what` begins the error text ("mailbox user.ann: cyrus.index").
///
/// Checks minor version, the sizes that belong to it, and the CRC. Errors: corrupt (short, CRC, sizes); unsupported
/// (a version below 12 or above 20).
base::Result<IndexHeader> parse_index_header(std::span<const unsigned char> bytes, std::string_view what);

/// The numbers at `field`, zero when the version has none. `bytes` covers the whole header or record.
std::uint64_t load(std::span<const unsigned char> bytes, Field field);
Time load(std::span<const unsigned char> bytes, TimeField field);

}  // namespace cyrus

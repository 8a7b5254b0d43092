#pragma once

#include "base/result.hpp"
#include "cyrus/index_header.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace cyrus {

/// Flags of a message, as bits of IndexRecord::flags: the low half is IMAP's, the high half the store's own.
namespace flag_bit {
inline constexpr std::uint32_t kAnswered = std::uint32_t{1} << 0;
inline constexpr std::uint32_t kFlagged = std::uint32_t{1} << 1;
inline constexpr std::uint32_t kDeleted = std::uint32_t{1} << 2;
inline constexpr std::uint32_t kDraft = std::uint32_t{1} << 3;
inline constexpr std::uint32_t kSeen = std::uint32_t{1} << 4;
inline constexpr std::uint32_t kNeedsCleanup = std::uint32_t{1} << 28;
inline constexpr std::uint32_t kArchived = std::uint32_t{1} << 29;  ///< the file is below the archive root
inline constexpr std::uint32_t kUnlinked = std::uint32_t{1} << 30;
inline constexpr std::uint32_t kExpunged = std::uint32_t{1} << 31;
}  // namespace flag_bit

/// One decoded record of cyrus.index. Names are those of doc/format/index.md; what a version lacks is zero.
struct IndexRecord {
  std::uint32_t uid = 0;
  Time internaldate;
  Time sentdate;
  std::uint64_t size = 0;  ///< length of the message file
  std::uint32_t header_size = 0;
  Time gmtime;
  std::uint64_t cache_offset = 0;
  Time last_updated;
  std::uint32_t flags = 0;
  std::array<std::uint32_t, 4> user_flags = {};  ///< flag n is bit n % 32 of word n / 32
  Time savedate;
  std::uint32_t content_lines = 0;
  std::uint16_t cache_version = 0;
  std::array<unsigned char, 20> guid = {};
  std::uint64_t modseq = 0;
  std::uint64_t cid = 0;
  std::uint64_t createdmodseq = 0;
  std::uint64_t basecid = 0;
  std::uint32_t cache_crc = 0;

  bool has(std::uint32_t bit) const { return (flags & bit) != 0; }
};

/// True when the last 4 bytes of a record are the CRC of the others. `bytes` is one whole record.
bool has_valid_crc(std::span<const unsigned char> bytes);

/// Decodes one record of exactly format.record_size bytes (CHECK). Pure, and checks nothing: see has_valid_crc().
IndexRecord decode_index_record(const IndexFormat& format, std::span<const unsigned char> bytes);

}  // namespace cyrus

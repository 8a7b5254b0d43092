#pragma once

#include "base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cyrus {

/// Bytes of a file: up to `into.size()` from `offset` on, fewer only at the end of the file.
using ReadAt = std::function<base::Result<std::size_t>(std::span<unsigned char> into, std::uint64_t offset)>;

/// The first 64 bytes of a twoskip file (doc/format/twoskip.md).
struct TwoskipHeader {
  static constexpr std::size_t kSize = 64;

  std::uint32_t version = 1;
  std::uint64_t generation = 1;
  std::uint64_t record_count = 0;
  std::uint64_t repack_size = 0;
  std::uint64_t current_size = 0;
  std::uint32_t flags = 0;

  bool dirty() const { return (flags & 1) != 0; }
};

/// True when a file that begins with `bytes` (16 at least) is a twoskip file.
bool is_twoskip(std::string_view bytes);

/// Checks magic, version and CRC. Errors: corrupt; unsupported (a newer version).
base::Result<TwoskipHeader> parse_twoskip_header(std::span<const unsigned char, TwoskipHeader::kSize> bytes);

std::array<unsigned char, TwoskipHeader::kSize> encode_twoskip_header(const TwoskipHeader& header);

/// A key and its value.
struct TwoskipItem {
  std::string key;
  std::string value;
};

/// One record of a twoskip file, its key and value included.
struct TwoskipRecord {
  static constexpr char kDummy = '=';
  static constexpr char kAdd = '+';
  static constexpr char kDelete = '-';
  static constexpr char kCommit = '$';

  static constexpr std::uint8_t kMaxLevel = 31;
  /// Where the dummy is, and where the first record behind it: the size of an empty database.
  static constexpr std::uint64_t kDummyOffset = TwoskipHeader::kSize;
  static constexpr std::uint64_t kFirstOffset = kDummyOffset + 8 + 8 * (kMaxLevel + 1) + 8;
  static constexpr std::uint64_t kSmallestSize = 24;  ///< type to lengths, one pointer, two CRCs
  /// Records with more than this many bytes of key and value are refused (Errc::limit).
  static constexpr std::uint64_t kMaxBytes = std::uint64_t{16} << 20;

  std::uint64_t offset = 0;
  char type = 0;
  std::uint8_t level = 0;
  bool long_key = false;    ///< its length is in 8 octets of its own
  bool long_value = false;  ///< likewise
  std::array<std::uint64_t, kMaxLevel + 1> pointers{};
  TwoskipItem item;

  /// A new record, not placed yet; the long forms are chosen as the lengths need.
  static TwoskipRecord make(char type, std::uint8_t level, TwoskipItem item);

  /// Octets from the type to both CRCs, 24 to 288.
  std::size_t head_size() const;
  /// Octets in all.
  std::uint64_t size() const;
};

/// Reads the record at `offset` of a file whose valid part ends at `end`; checks the lengths, what type and level can
/// be together, and both CRCs. What the pointers lead to is not looked at. `what` names the file in error texts.
/// Errors: corrupt; limit; whatever `read` returns.
base::Result<TwoskipRecord> read_twoskip_record(const ReadAt& read, std::uint64_t offset, std::uint64_t end,
                                                const std::string& what);

/// The part of a record that changes in place, type to head CRC, as it is to be written at its offset.
std::vector<unsigned char> encode_twoskip_head(const TwoskipRecord& record);
/// The whole record.
std::vector<unsigned char> encode_twoskip_record(const TwoskipRecord& record);

/// How many octets of filler go before a record with a head of `head_size` in a file that ends at `end`: what changes
/// in place must not lie in two blocks of 512 octets. A multiple of kTwoskipFiller.size().
std::size_t twoskip_filler(std::uint64_t end, std::size_t head_size);
inline constexpr std::string_view kTwoskipFiller{" BLANK\x07\xa0", 8};

/// Errc::corrupt: "WHAT: twoskip record at OFFSET: WHY".
tl::unexpected<base::Error> refuse_twoskip_record(const std::string& what, std::uint64_t offset, std::string_view why);

}  // namespace cyrus

#pragma once

#include "base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace cyrus {

/// A record of cyrus.cache has ten items: ENVELOPE, BODYSTRUCTURE, BODY, SECTION, HEADERS, FROM, TO, CC, BCC, SUBJECT.
inline constexpr std::size_t kCacheItems = 10;

/// Larger ones are refused: no message of a mail store has so much to cache.
inline constexpr std::uint64_t kMaxCacheRecord = std::uint64_t{256} << 20;

/// Where an item of a record stands, behind its length.
struct CacheItem {
  std::size_t at = 0;
  std::size_t size = 0;
};

/// The items of the record that `bytes` begins with, and how many octets it takes. Each item is a length of 4 octets,
/// big-endian, so many octets, and padding to a multiple of 4. `bytes` may end within the record.
struct CacheRecordShape {
  std::array<CacheItem, kCacheItems> items;
  std::size_t size = 0;
};

/// Pure. Errors: limit (`bytes` ends within the record); corrupt (padding that is not zero; an item that is too large
/// or of the wrong form: ENVELOPE and the BODYs are lists, SUBJECT a string or NIL). The text names the item.
base::Result<CacheRecordShape> parse_cache_record(std::span<const unsigned char> bytes);

}  // namespace cyrus

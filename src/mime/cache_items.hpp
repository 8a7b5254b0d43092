#pragma once

#include "mime/message.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace mime {

/// What cyrus.cache keeps of a message, byte for byte as Cyrus 3.6 writes it (doc/format/cache.md).
struct CacheItems {
  std::string envelope;
  std::string body_structure;
  std::string body;
  std::string section;  ///< Binary.
  std::string headers;
  std::string from;
  std::string to;
  std::string cc;
  std::string bcc;
  std::string subject;

  bool operator==(const CacheItems&) const = default;
};

CacheItems cache_items(const Message& message);

/// The version of the layout, for the index record.
inline constexpr std::uint32_t kCacheVersion = 11;

/// The items as they lie in the file, in the order above: the length of each in 32 bits big-endian, its bytes, zeros up
/// to a multiple of 4.
struct CacheRecord {
  std::string bytes;
  std::uint32_t crc = 0;  ///< CRC-32 of all bytes, for the index record.
};

CacheRecord cache_record(const CacheItems& items);

}  // namespace mime

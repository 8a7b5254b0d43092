#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace base {

/// Big-endian integers at a byte offset. The caller has checked that `at + sizeof` lies within `bytes`;
/// std::span asserts it again in every build (_GLIBCXX_ASSERTIONS).
inline std::uint16_t load_be16(std::span<const unsigned char> bytes, std::size_t at) {
  return static_cast<std::uint16_t>((bytes[at] << 8) | bytes[at + 1]);
}

inline std::uint32_t load_be32(std::span<const unsigned char> bytes, std::size_t at) {
  return (std::uint32_t{bytes[at]} << 24) | (std::uint32_t{bytes[at + 1]} << 16) | (std::uint32_t{bytes[at + 2]} << 8) |
         std::uint32_t{bytes[at + 3]};
}

inline std::uint64_t load_be64(std::span<const unsigned char> bytes, std::size_t at) {
  return (std::uint64_t{load_be32(bytes, at)} << 32) | load_be32(bytes, at + 4);
}

inline void store_be16(std::span<unsigned char> bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<unsigned char>(value >> 8);
  bytes[at + 1] = static_cast<unsigned char>(value);
}

inline void store_be32(std::span<unsigned char> bytes, std::size_t at, std::uint32_t value) {
  store_be16(bytes, at, static_cast<std::uint16_t>(value >> 16));
  store_be16(bytes, at + 2, static_cast<std::uint16_t>(value));
}

inline void store_be64(std::span<unsigned char> bytes, std::size_t at, std::uint64_t value) {
  store_be32(bytes, at, static_cast<std::uint32_t>(value >> 32));
  store_be32(bytes, at + 4, static_cast<std::uint32_t>(value));
}

}  // namespace base

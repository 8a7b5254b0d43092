#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace base {

/// The CRC-32 of zlib and PNG (reflected polynomial 0xEDB88320), which Cyrus uses for all its checks.
/// `so_far` continues a checksum over an earlier piece.
std::uint32_t crc32(std::span<const unsigned char> bytes, std::uint32_t so_far = 0);
std::uint32_t crc32(std::string_view bytes, std::uint32_t so_far = 0);

}  // namespace base

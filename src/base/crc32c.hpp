#pragma once

#include <cstdint>
#include <string_view>

namespace base {

/// The CRC-32C of iSCSI and the PROXY protocol (Castagnoli's polynomial, RFC 3720 s12.1). `so_far` continues a checksum
/// over an earlier piece.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t so_far = 0);

}  // namespace base

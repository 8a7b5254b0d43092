#include "base/crc32.hpp"

#include <zlib.h>

namespace base {

std::uint32_t crc32(std::span<const unsigned char> bytes, std::uint32_t so_far) {
  return static_cast<std::uint32_t>(::crc32_z(so_far, bytes.data(), bytes.size()));
}

std::uint32_t crc32(std::string_view bytes, std::uint32_t so_far) {
  return crc32(std::span(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()), so_far);
}

}  // namespace base

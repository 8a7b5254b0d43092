#include "base/check.hpp"
#include "cyrus/cache_record.hpp"

#include <cstdint>

/// Bytes of cyrus.cache from the beginning of a record on.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const unsigned char> bytes(data, size);
  const auto shape = cyrus::parse_cache_record(bytes);
  if (!shape) {
    CHECK(!shape.error().text.empty());
    return 0;
  }
  CHECK(shape->size <= size && shape->size % 4 == 0);
  std::size_t at = 0;
  for (const cyrus::CacheItem& item : shape->items) {
    CHECK(item.at == at + 4 && item.at + item.size <= size);
    at = item.at + (item.size + 3) / 4 * 4;
  }
  CHECK(at == shape->size);
  // It needs nothing that follows it, and all of itself.
  CHECK(cyrus::parse_cache_record(bytes.first(shape->size)));
  CHECK(!cyrus::parse_cache_record(bytes.first(shape->size - 1)));
  return 0;
}

#include "cyrus/cache_record.hpp"

#include "base/byte_order.hpp"

#include <string>

namespace cyrus {
namespace {

constexpr std::array<std::string_view, kCacheItems> kNames{
    "ENVELOPE", "BODYSTRUCTURE", "BODY", "SECTION", "HEADERS", "FROM", "TO", "CC", "BCC", "SUBJECT"};

tl::unexpected<base::Error> corrupt(std::size_t item, std::string_view text) {
  return base::fail(base::Errc::corrupt, std::string(kNames[item]) + ": " + std::string(text));
}

tl::unexpected<base::Error> cut_off(std::size_t item) {
  return base::fail(base::Errc::limit, std::string(kNames[item]) + ": the file ends within it");
}

/// Whether the text of an item can be what its name says.
bool has_form(std::size_t item, std::string_view text) {
  if (item < 3) return text.starts_with('(') && text.ends_with(')');
  if (item == 3) return text.size() % 4 == 0;
  if (item == kCacheItems - 1) return text.starts_with('"') || text.starts_with('{') || text == "NIL";
  return true;
}

}  // namespace

base::Result<CacheRecordShape> parse_cache_record(std::span<const unsigned char> bytes) {
  CacheRecordShape shape;
  for (std::size_t item = 0; item < kCacheItems; ++item) {
    if (bytes.size() - shape.size < 4) return cut_off(item);
    const std::size_t size = base::load_be32(bytes, shape.size);
    const std::size_t at = shape.size + 4;
    if (size > kMaxCacheRecord || at + size > kMaxCacheRecord) {
      return corrupt(item, std::to_string(size) + " octets are too many");
    }
    const std::size_t padded = (size + 3) / 4 * 4;
    if (bytes.size() - at < padded) return cut_off(item);
    for (std::size_t i = at + size; i < at + padded; ++i) {
      if (bytes[i] != 0) return corrupt(item, "padding that is not zero");
    }
    if (!has_form(item, {reinterpret_cast<const char*>(bytes.data()) + at, size})) return corrupt(item, "not its form");
    shape.items[item] = CacheItem{at, size};
    shape.size = at + padded;
  }
  return shape;
}

}  // namespace cyrus

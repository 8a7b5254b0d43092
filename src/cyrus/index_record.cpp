#include "cyrus/index_record.hpp"

#include "base/byte_order.hpp"
#include "base/check.hpp"
#include "base/crc32.hpp"

#include <algorithm>
#include <cstddef>

namespace cyrus {

bool has_valid_crc(std::span<const unsigned char> bytes) {
  constexpr std::size_t kCrcSize = 4;
  if (bytes.size() < kCrcSize) return false;
  const std::size_t covered = bytes.size() - kCrcSize;
  return base::crc32(bytes.first(covered)) == base::load_be32(bytes, covered);
}

IndexRecord decode_index_record(const IndexFormat& format, std::span<const unsigned char> bytes) {
  CHECK(bytes.size() == format.record_size);
  const IndexRecordLayout& at = format.record;
  const auto number = [bytes](Field field) { return static_cast<std::uint32_t>(load(bytes, field)); };

  IndexRecord r;
  r.uid = number(at.uid);
  r.internaldate = load(bytes, at.internaldate);
  r.sentdate = load(bytes, at.sentdate);
  r.size = load(bytes, at.size);
  r.header_size = number(at.header_size);
  r.gmtime = load(bytes, at.gmtime);
  r.last_updated = load(bytes, at.last_updated);
  r.flags = number(at.flags);
  for (std::size_t i = 0; i < r.user_flags.size(); ++i) {
    r.user_flags[i] = base::load_be32(bytes, at.user_flags_at + 4 * i);
  }
  r.savedate = load(bytes, at.savedate);
  r.content_lines = number(at.content_lines);
  const std::uint32_t cache_word = number(at.cache_word);
  r.cache_version = static_cast<std::uint16_t>(cache_word & 0xffff);
  r.cache_offset = (std::uint64_t{cache_word >> 16} << 32) | number(at.cache_offset_low);
  std::ranges::copy(bytes.subspan(at.guid_at, r.guid.size()), r.guid.begin());
  r.modseq = load(bytes, at.modseq);
  r.cid = load(bytes, at.cid);
  r.createdmodseq = load(bytes, at.createdmodseq);
  r.basecid = load(bytes, at.basecid);
  r.cache_crc = number(at.cache_crc);
  return r;
}

}  // namespace cyrus

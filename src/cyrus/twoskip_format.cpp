#include "cyrus/twoskip_format.hpp"

#include "base/byte_order.hpp"
#include "base/check.hpp"
#include "base/crc32.hpp"

#include <algorithm>
#include <utility>

namespace cyrus {
namespace {

using base::Errc;

constexpr std::string_view kMagic{"\xa1\x02\x8b\x0dtwoskip file\0\0\0\0", 20};
constexpr std::size_t kFirstRead = 512;  // head, key and value of most records
constexpr std::size_t kBlock = 512;
constexpr std::uint64_t kLongKey = 0xffff;
constexpr std::uint64_t kLongValue = 0xffffffff;

std::uint64_t padded(std::uint64_t size) { return (size + 7) / 8 * 8; }

bool possible(std::uint64_t offset, char type, std::uint8_t level) {
  if (offset == TwoskipRecord::kDummyOffset) return type == TwoskipRecord::kDummy && level == TwoskipRecord::kMaxLevel;
  if (type == TwoskipRecord::kAdd) return level >= 1 && level <= TwoskipRecord::kMaxLevel;
  return (type == TwoskipRecord::kDelete || type == TwoskipRecord::kCommit) && level == 0;
}

}  // namespace

bool is_twoskip(std::string_view bytes) { return bytes.starts_with(kMagic.substr(0, 16)); }

base::Result<TwoskipHeader> parse_twoskip_header(std::span<const unsigned char, TwoskipHeader::kSize> bytes) {
  if (!std::equal(kMagic.begin(), kMagic.end(), bytes.begin(),
                  [](char a, unsigned char b) { return static_cast<unsigned char>(a) == b; })) {
    return base::fail(Errc::corrupt, "no twoskip magic");
  }
  TwoskipHeader header;
  header.version = base::load_be32(bytes, 20);
  // The layout of a newer version is unknown, so is the place of its CRC.
  if (header.version > 1) {
    return base::fail(Errc::unsupported, "twoskip version " + std::to_string(header.version));
  }
  if (base::load_be32(bytes, 60) != base::crc32(bytes.first(60))) return base::fail(Errc::corrupt, "header CRC");
  header.generation = base::load_be64(bytes, 24);
  header.record_count = base::load_be64(bytes, 32);
  header.repack_size = base::load_be64(bytes, 40);
  header.current_size = base::load_be64(bytes, 48);
  header.flags = base::load_be32(bytes, 56);
  return header;
}

std::array<unsigned char, TwoskipHeader::kSize> encode_twoskip_header(const TwoskipHeader& header) {
  std::array<unsigned char, TwoskipHeader::kSize> bytes{};
  std::ranges::transform(kMagic, bytes.begin(), [](char c) { return static_cast<unsigned char>(c); });
  base::store_be32(bytes, 20, header.version);
  base::store_be64(bytes, 24, header.generation);
  base::store_be64(bytes, 32, header.record_count);
  base::store_be64(bytes, 40, header.repack_size);
  base::store_be64(bytes, 48, header.current_size);
  base::store_be32(bytes, 56, header.flags);
  base::store_be32(bytes, 60, base::crc32(std::span(bytes).first(60)));
  return bytes;
}

tl::unexpected<base::Error> refuse_twoskip_record(const std::string& what, std::uint64_t offset, std::string_view why) {
  return base::fail(Errc::corrupt, what + ": twoskip record at " + std::to_string(offset) + ": " + std::string(why));
}

TwoskipRecord TwoskipRecord::make(char type, std::uint8_t level, TwoskipItem item) {
  CHECK(level <= kMaxLevel);
  TwoskipRecord record;
  record.type = type;
  record.level = level;
  record.long_key = item.key.size() >= kLongKey;
  record.long_value = item.value.size() >= kLongValue;
  record.item = std::move(item);
  return record;
}

std::size_t TwoskipRecord::head_size() const {
  return 8 + (long_key ? 8U : 0U) + (long_value ? 8U : 0U) + 8 * (std::size_t{level} + 1) + 8;
}

std::uint64_t TwoskipRecord::size() const { return head_size() + padded(item.key.size() + item.value.size()); }

base::Result<TwoskipRecord> read_twoskip_record(const ReadAt& read, std::uint64_t offset, std::uint64_t end,
                                                const std::string& what) {
  const auto refuse = [&](std::string_view why) { return refuse_twoskip_record(what, offset, why); };
  const bool at_dummy = offset == TwoskipRecord::kDummyOffset;
  if (offset % 8 != 0 || (offset < TwoskipRecord::kFirstOffset && !at_dummy) || end < TwoskipRecord::kFirstOffset ||
      offset > end - TwoskipRecord::kSmallestSize) {
    return refuse("impossible offset");
  }
  const auto read_exactly = [&](std::span<unsigned char> into, std::uint64_t at) -> base::Result<void> {
    const auto got = read(into, at);
    if (!got) return tl::unexpected(got.error());
    if (*got != into.size()) return refuse("file ends within it");
    return {};
  };
  const std::uint64_t room = end - offset;
  std::vector<unsigned char> bytes(static_cast<std::size_t>(std::min<std::uint64_t>(kFirstRead, room)));
  if (auto done = read_exactly(bytes, offset); !done) return tl::unexpected(std::move(done.error()));

  TwoskipRecord record;
  record.offset = offset;
  record.type = static_cast<char>(bytes[0]);
  record.level = bytes[1];
  if (!possible(offset, record.type, record.level)) return refuse("impossible type or level");

  std::uint64_t key_size = base::load_be16(bytes, 2);
  std::uint64_t value_size = base::load_be32(bytes, 4);
  record.long_key = key_size == kLongKey;
  record.long_value = value_size == kLongValue;
  // At most 24 + 8 * 32 + 8 = 288 bytes of head, less than kFirstRead: they are read if the file has them.
  const std::size_t head_size = record.head_size();
  if (head_size > bytes.size()) return refuse("does not fit into the file");
  std::size_t at = 8;
  if (record.long_key) {
    key_size = base::load_be64(bytes, at);
    at += 8;
  }
  if (record.long_value) {
    value_size = base::load_be64(bytes, at);
    at += 8;
  }
  for (std::size_t i = 0; i <= record.level; ++i, at += 8) record.pointers[i] = base::load_be64(bytes, at);
  if (base::load_be32(bytes, at) != base::crc32(std::span(bytes).first(at))) return refuse("head CRC");
  const std::uint32_t tail_crc = base::load_be32(bytes, at + 4);

  if (key_size > room || value_size > room) return refuse("does not fit into the file");
  const std::uint64_t tail_size = padded(key_size + value_size);
  if (tail_size > room - head_size) return refuse("does not fit into the file");
  if (tail_size > TwoskipRecord::kMaxBytes) {
    return base::fail(Errc::limit, what + ": twoskip record at " + std::to_string(offset) + " is too large");
  }
  const bool adds = record.type == TwoskipRecord::kAdd;
  if (adds != (key_size > 0) || (!adds && value_size > 0)) return refuse("impossible key length");
  const std::size_t had = bytes.size();
  bytes.resize(head_size + static_cast<std::size_t>(tail_size));
  if (bytes.size() > had) {
    if (auto done = read_exactly(std::span(bytes).subspan(had), offset + had); !done) {
      return tl::unexpected(std::move(done.error()));
    }
  }
  const auto tail = std::span(bytes).subspan(head_size);
  if (tail_crc != (tail.empty() ? 0 : base::crc32(tail))) return refuse("tail CRC");
  const auto text = std::string_view(reinterpret_cast<const char*>(tail.data()), tail.size());
  record.item.key = text.substr(0, static_cast<std::size_t>(key_size));
  record.item.value = text.substr(static_cast<std::size_t>(key_size), static_cast<std::size_t>(value_size));
  return record;
}

std::vector<unsigned char> encode_twoskip_head(const TwoskipRecord& record) {
  std::vector<unsigned char> bytes(record.head_size() - 4);
  bytes[0] = static_cast<unsigned char>(record.type);
  bytes[1] = record.level;
  base::store_be16(bytes, 2, static_cast<std::uint16_t>(record.long_key ? kLongKey : record.item.key.size()));
  base::store_be32(bytes, 4, static_cast<std::uint32_t>(record.long_value ? kLongValue : record.item.value.size()));
  std::size_t at = 8;
  if (record.long_key) {
    base::store_be64(bytes, at, record.item.key.size());
    at += 8;
  }
  if (record.long_value) {
    base::store_be64(bytes, at, record.item.value.size());
    at += 8;
  }
  for (std::size_t i = 0; i <= record.level; ++i, at += 8) base::store_be64(bytes, at, record.pointers[i]);
  base::store_be32(bytes, at, base::crc32(std::span(bytes).first(at)));
  return bytes;
}

std::vector<unsigned char> encode_twoskip_record(const TwoskipRecord& record) {
  std::vector<unsigned char> bytes = encode_twoskip_head(record);
  const std::size_t head_size = record.head_size();
  bytes.resize(head_size);
  bytes.insert(bytes.end(), record.item.key.begin(), record.item.key.end());
  bytes.insert(bytes.end(), record.item.value.begin(), record.item.value.end());
  bytes.resize(static_cast<std::size_t>(record.size()));
  const auto tail = std::span<const unsigned char>(bytes).subspan(head_size);
  base::store_be32(bytes, head_size - 4, tail.empty() ? 0 : base::crc32(tail));
  return bytes;
}

std::size_t twoskip_filler(std::uint64_t end, std::size_t head_size) {
  std::size_t filler = 0;
  // From behind the lengths to before the head CRC. With the 288 octets that a head has at most this comes to an end.
  while ((end + filler + 8) % kBlock > (end + filler - 8 + head_size) % kBlock) filler += kTwoskipFiller.size();
  return filler;
}

}  // namespace cyrus

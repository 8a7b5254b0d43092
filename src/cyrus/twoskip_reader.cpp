// The lists are walked record by record with pread, most records in one call. A pointer of list level 0 is the truth: a
// record is in the database exactly if level 0 reaches it. The higher levels are short cuts, so one that leads behind
// the committed end (an unfinished transaction changed it) is taken as absent: the search goes on one level below.
//
// Why no file can hold us: along every list the keys must rise, except over '-' records, which have no key; those, and
// walks without an order, are counted against the number of records that the file has room for.

#include "cyrus/twoskip_reader.hpp"

#include "base/byte_order.hpp"
#include "base/crc32.hpp"

#include <algorithm>
#include <utility>

namespace cyrus {
namespace {

using base::Errc;

constexpr std::string_view kMagic{"\xa1\x02\x8b\x0dtwoskip file\0\0\0\0", 20};
constexpr std::uint64_t kDummyOffset = TwoskipHeader::kSize;
constexpr std::uint64_t kDummySize = 8 + 8 * 32 + 8;
constexpr std::uint64_t kFirstRecord = kDummyOffset + kDummySize;
constexpr std::uint64_t kSmallestRecord = 24;  // type to lengths, one pointer, two CRCs
constexpr std::size_t kFirstRead = 512;        // head, key and value of most records

constexpr char kDummy = '=';
constexpr char kAdd = '+';
constexpr char kDelete = '-';

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

tl::unexpected<base::Error> TwoskipReader::refuse(std::uint64_t offset, std::string_view why) const {
  return base::fail(Errc::corrupt, what_ + ": twoskip record at " + std::to_string(offset) + ": " + std::string(why));
}

base::Result<void> TwoskipReader::read_exactly(std::span<unsigned char> into, std::uint64_t offset) const {
  const auto got = read_(into, offset);
  if (!got) return tl::unexpected(got.error());
  if (*got != into.size()) return refuse(offset, "file ends within it");
  return {};
}

base::Result<TwoskipReader> TwoskipReader::open(ReadAt read, std::uint64_t file_size, std::string what) {
  TwoskipReader reader(std::move(read), std::move(what));
  std::array<unsigned char, TwoskipHeader::kSize> bytes{};
  if (file_size < kFirstRecord) return base::fail(Errc::corrupt, reader.what_ + ": too short for a twoskip file");
  if (auto done = reader.read_exactly(bytes, 0); !done) return tl::unexpected(std::move(done.error()));
  auto header = parse_twoskip_header(bytes);
  if (!header) return base::fail(header.error().code, reader.what_ + ": " + header.error().text);
  reader.header_ = *header;
  reader.end_ = header->current_size;
  if (reader.end_ < kFirstRecord || reader.end_ > file_size || reader.end_ % 8 != 0) {
    return base::fail(Errc::corrupt, reader.what_ + ": current size " + std::to_string(reader.end_) + " of a file of " +
                                         std::to_string(file_size));
  }
  reader.clean_ = !header->dirty() && reader.end_ == file_size;
  const auto dummy = reader.record_at(kDummyOffset);
  if (!dummy) return tl::unexpected(dummy.error());
  if (dummy->type != kDummy) return reader.refuse(kDummyOffset, "not the dummy");
  return reader;
}

base::Result<TwoskipReader::Record> TwoskipReader::record_at(std::uint64_t offset) const {
  const bool at_dummy = offset == kDummyOffset;
  if (offset % 8 != 0 || (offset < kFirstRecord && !at_dummy) || offset > end_ - kSmallestRecord) {
    return refuse(offset, "impossible offset");
  }
  const std::uint64_t room = end_ - offset;
  std::vector<unsigned char> bytes(static_cast<std::size_t>(std::min<std::uint64_t>(kFirstRead, room)));
  if (auto done = read_exactly(bytes, offset); !done) return tl::unexpected(std::move(done.error()));

  Record record;
  record.offset = offset;
  record.type = static_cast<char>(bytes[0]);
  record.level = bytes[1];
  const bool known = at_dummy ? record.type == kDummy && record.level == kMaxLevel
                              : (record.type == kAdd && record.level >= 1 && record.level <= kMaxLevel) ||
                                    (record.type == kDelete && record.level == 0);
  if (!known) return refuse(offset, "impossible type or level");

  std::uint64_t key_size = base::load_be16(bytes, 2);
  std::uint64_t value_size = base::load_be32(bytes, 4);
  std::size_t at = 8;
  // At most 24 + 8 * 32 + 8 = 288 bytes of head, less than kFirstRead: they are read if the file has them.
  const std::size_t head_size = 8 + (key_size == 0xffff ? 8U : 0U) + (value_size == 0xffffffff ? 8U : 0U) +
                                8 * (std::size_t{record.level} + 1) + 8;
  if (head_size > bytes.size()) return refuse(offset, "does not fit into the file");
  if (key_size == 0xffff) {
    key_size = base::load_be64(bytes, at);
    at += 8;
  }
  if (value_size == 0xffffffff) {
    value_size = base::load_be64(bytes, at);
    at += 8;
  }
  for (std::size_t i = 0; i <= record.level; ++i, at += 8) record.pointers[i] = base::load_be64(bytes, at);
  if (base::load_be32(bytes, at) != base::crc32(std::span(bytes).first(at))) return refuse(offset, "head CRC");
  const std::uint32_t tail_crc = base::load_be32(bytes, at + 4);

  if (key_size > room || value_size > room) return refuse(offset, "does not fit into the file");
  const std::uint64_t tail_size = (key_size + value_size + 7) / 8 * 8;
  if (tail_size > room - head_size) return refuse(offset, "does not fit into the file");
  if (tail_size > kMaxRecordBytes) {
    return base::fail(Errc::limit, what_ + ": twoskip record at " + std::to_string(offset) + " is too large");
  }
  if ((record.type == kAdd) != (key_size > 0) || (record.type != kAdd && value_size > 0)) {
    return refuse(offset, "impossible key length");
  }
  const std::size_t had = bytes.size();
  bytes.resize(head_size + static_cast<std::size_t>(tail_size));
  if (bytes.size() > had) {
    if (auto done = read_exactly(std::span(bytes).subspan(had), offset + had); !done) {
      return tl::unexpected(std::move(done.error()));
    }
  }
  const auto tail = std::span(bytes).subspan(head_size);
  if (tail_crc != (tail.empty() ? 0 : base::crc32(tail))) return refuse(offset, "tail CRC");
  const auto text = std::string_view(reinterpret_cast<const char*>(tail.data()), tail.size());
  record.item.key = text.substr(0, static_cast<std::size_t>(key_size));
  record.item.value = text.substr(static_cast<std::size_t>(key_size), static_cast<std::size_t>(value_size));
  return record;
}

// 0: the end of the list.
std::uint64_t TwoskipReader::next_offset(const Record& record, std::uint8_t list) const {
  const auto committed = [this](std::uint64_t pointer) { return pointer < end_ ? pointer : 0; };
  if (list > 0) return committed(record.pointers[std::size_t{list} + 1]);
  // Level 0 has two pointers; the older one is kept until a commit makes the newer one true.
  if (record.type == kDelete) return committed(record.pointers[0]);
  return std::max(committed(record.pointers[0]), committed(record.pointers[1]));
}

base::Result<std::optional<TwoskipReader::Record>> TwoskipReader::next(const Record& record, std::uint8_t list,
                                                                       std::uint64_t& steps) const {
  std::uint64_t offset = next_offset(record, list);
  while (offset != 0) {
    if (steps++ > end_ / kSmallestRecord + kMaxLevel) return refuse(offset, "list without an end");
    auto found = record_at(offset);
    if (!found) return tl::unexpected(std::move(found.error()));
    if (found->type == kAdd) {
      if (found->level <= list) return refuse(offset, "too low for its list");
      return std::optional(*std::move(found));
    }
    // A '-' stands for a removed key and leads to what followed it; only level 0 has them.
    if (found->type != kDelete || list != 0) return refuse(offset, "not part of a list");
    offset = next_offset(*found, 0);
  }
  return std::optional<Record>();
}

// The first record whose key is not below `key`.
base::Result<std::optional<TwoskipReader::Record>> TwoskipReader::lower_bound(std::string_view key) const {
  auto here = record_at(kDummyOffset);
  if (!here) return tl::unexpected(std::move(here.error()));
  std::uint64_t steps = 0;
  // What the level above stopped at is usually what this one stops at: do not read it twice.
  std::uint64_t stop_offset = 0;
  for (std::uint8_t list = kMaxLevel; list-- > 0;) {
    // A record of level L is in lists 0 .. L-1, and the search came down here from a list that it is in.
    for (;;) {
      if (list > 0) {
        const std::uint64_t offset = next_offset(*here, list);
        if (offset == 0 || offset == stop_offset) break;
      }
      auto following = next(*here, list, steps);
      if (!following) return following;
      if (!*following) {
        if (list == 0) return std::optional<Record>();
        break;
      }
      if ((*following)->item.key <= here->item.key) return refuse((*following)->offset, "keys out of order");
      if ((*following)->item.key >= key) {
        if (list == 0) return following;
        stop_offset = (*following)->offset;
        break;
      }
      *here = **std::move(following);
    }
  }
  return std::optional<Record>();
}

base::Result<std::string> TwoskipReader::find(std::string_view key) const {
  auto record = lower_bound(key);
  if (!record) return tl::unexpected(std::move(record.error()));
  if (!*record || (*record)->item.key != key) return base::fail(Errc::not_found, what_ + ": no such key");
  return std::move((*record)->item.value);
}

base::Result<std::optional<TwoskipItem>> TwoskipReader::first_from(std::string_view key) const {
  auto record = lower_bound(key);
  if (!record) return tl::unexpected(std::move(record.error()));
  if (!*record) return std::optional<TwoskipItem>();
  return std::optional(std::move((*record)->item));
}

base::Result<void> TwoskipReader::walk(const std::function<bool(TwoskipItem&&)>& visit, bool any_order) const {
  auto here = record_at(kDummyOffset);
  if (!here) return tl::unexpected(std::move(here.error()));
  std::uint64_t steps = 0;
  std::string previous;
  for (;;) {
    auto following = next(*here, 0, steps);
    if (!following) return tl::unexpected(std::move(following.error()));
    if (!*following) return {};
    *here = **std::move(following);
    if (!any_order) {
      if (here->item.key <= previous) return refuse(here->offset, "keys out of order");
      previous = here->item.key;
    }
    if (!visit(std::move(here->item))) return {};
  }
}

}  // namespace cyrus

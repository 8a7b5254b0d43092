#include "cyrus/skiplist_reader.hpp"

#include "base/byte_order.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

namespace cyrus {
namespace {

using base::Errc;

constexpr std::string_view kMagic{"\xa1\x02\x8b\x0dskiplist file\0\0\0", 20};
constexpr std::uint64_t kDummyOffset = 48;
constexpr std::uint64_t kFirstRecord = kDummyOffset + 12 + 4 * 20 + 4;
constexpr std::uint64_t kSmallestRecord = 20;  // type, two lengths, one pointer, terminator
constexpr std::size_t kMostLevels = 20;
constexpr std::uint32_t kTerminator = 0xffffffff;

enum RecordType : std::uint32_t { kInorder = 1, kAdd = 2, kDelete = 4, kCommit = 255, kDummy = 257 };

std::uint64_t padded(std::uint64_t size) { return (size + 3) / 4 * 4; }

class Reader {
 public:
  Reader(const ReadAt& read, std::uint64_t size, const std::string& what) : read_(read), size_(size), what_(what) {}

  struct Record {
    std::uint64_t end = 0;
    std::uint64_t next = 0;  // the pointer of the lowest list; 0 at the end
    TwoskipItem item;
  };

  tl::unexpected<base::Error> refuse(std::uint64_t offset, std::string_view why) const {
    return base::fail(Errc::corrupt, what_ + ": skiplist at " + std::to_string(offset) + ": " + std::string(why));
  }

  base::Result<std::vector<unsigned char>> bytes(std::uint64_t offset, std::uint64_t count) const {
    if (offset > size_ || count > size_ - offset) return refuse(offset, "file ends within it");
    if (count > TwoskipReader::kMaxRecordBytes) return base::fail(Errc::limit, what_ + ": skiplist record too large");
    std::vector<unsigned char> found(static_cast<std::size_t>(count));
    const auto got = read_(found, offset);
    if (!got) return tl::unexpected(got.error());
    if (*got != found.size()) return refuse(offset, "file ends within it");
    return found;
  }

  base::Result<std::uint32_t> number(std::uint64_t offset) const {
    const auto found = bytes(offset, 4);
    if (!found) return tl::unexpected(found.error());
    return base::load_be32(*found, 0);
  }

  base::Result<Record> record(std::uint64_t offset) const {
    if (offset % 4 != 0 || (offset < kFirstRecord && offset != kDummyOffset))
      return refuse(offset, "impossible offset");
    const auto type = number(offset);
    if (!type) return tl::unexpected(type.error());
    const bool known = offset == kDummyOffset ? *type == kDummy : *type == kInorder || *type == kAdd;
    if (!known) return refuse(offset, "unknown type");
    Record found;
    std::uint64_t at = offset + 4;
    for (std::string* const part : {&found.item.key, &found.item.value}) {
      const auto length = number(at);
      if (!length) return tl::unexpected(length.error());
      const auto text = bytes(at + 4, *length);
      if (!text) return tl::unexpected(text.error());
      part->assign(text->begin(), text->end());
      at += 4 + padded(*length);
    }
    for (std::size_t level = 0; level <= kMostLevels; ++level, at += 4) {
      const auto pointer = number(at);
      if (!pointer) return tl::unexpected(pointer.error());
      if (*pointer == kTerminator && level > 0) {
        found.end = at + 4;
        return found;
      }
      if (level == 0) found.next = *pointer;
    }
    return refuse(offset, "pointers without an end");
  }

  // Pointers are patched before the commit is written: an unfinished transaction is in the lists already.
  base::Result<void> require_committed(std::uint64_t log_start) const {
    bool committed = true;
    for (std::uint64_t at = log_start; at < size_;) {
      const auto type = number(at);
      if (!type) return tl::unexpected(type.error());
      committed = *type == kCommit;
      if (*type == kCommit) {
        at += 4;
      } else if (*type == kDelete) {
        at += 8;
      } else {
        const auto added = record(at);
        if (!added) return tl::unexpected(added.error());
        at = added->end;
      }
    }
    if (!committed) return refuse(size_, "unfinished transaction; ctl_cyrusdb -r repairs it");
    return {};
  }

 private:
  const ReadAt& read_;
  std::uint64_t size_;
  const std::string& what_;
};

}  // namespace

bool is_skiplist(std::string_view bytes) { return bytes.starts_with(kMagic.substr(0, 16)); }

base::Result<void> walk_skiplist(const ReadAt& read, std::uint64_t file_size, const std::string& what, bool any_order,
                                 const std::function<bool(TwoskipItem&&)>& visit) {
  const Reader reader(read, file_size, what);
  const auto header = reader.bytes(0, kDummyOffset);
  if (!header) return tl::unexpected(header.error());
  if (!is_skiplist(std::string_view(reinterpret_cast<const char*>(header->data()), header->size()))) {
    return reader.refuse(0, "no skiplist magic");
  }
  if (base::load_be32(*header, 20) != 1) {
    return base::fail(Errc::unsupported, what + ": skiplist version " + std::to_string(base::load_be32(*header, 20)));
  }
  const std::uint64_t log_start = base::load_be32(*header, 40);
  if (log_start < kFirstRecord) return reader.refuse(40, "impossible start of the log");
  if (auto committed = reader.require_committed(log_start); !committed) return committed;

  auto here = reader.record(kDummyOffset);
  if (!here) return tl::unexpected(std::move(here.error()));
  std::string previous;
  std::uint64_t steps = 0;
  while (here->next != 0) {
    // Rising keys end a walk by themselves; one without an order is bounded by the room for records.
    if (steps++ > file_size / kSmallestRecord) return reader.refuse(here->next, "list without an end");
    const std::uint64_t offset = here->next;
    if (offset == kDummyOffset) return reader.refuse(offset, "list without an end");
    here = reader.record(offset);
    if (!here) return tl::unexpected(std::move(here.error()));
    if (here->item.key.empty()) return reader.refuse(offset, "no key");
    if (!any_order) {
      if (here->item.key <= previous) return reader.refuse(offset, "keys out of order");
      previous = here->item.key;
    }
    if (!visit(std::move(here->item))) return {};
  }
  return {};
}

}  // namespace cyrus

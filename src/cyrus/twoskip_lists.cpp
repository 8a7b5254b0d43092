// The lists are walked record by record with pread, most records in one call. A pointer of list 0 is the truth: a
// record is in the database exactly if list 0 reaches it. The higher lists are short cuts, so a pointer there that
// leads behind the end (an unfinished transaction changed it) is taken as absent: the search goes on one list below.
//
// Why no file can hold us: along every list the keys must rise, except over '-' records, which have no key; those, and
// walks without an order, are counted against the number of records that the file has room for.

#include "cyrus/twoskip_lists.hpp"

#include <algorithm>

namespace cyrus {

base::Result<TwoskipRecord> TwoskipLists::record_at(std::uint64_t offset) const {
  auto record = read_twoskip_record(read_, offset, end_, what_);
  if (record && record->type == TwoskipRecord::kCommit) return refuse(offset, "not part of a list");
  return record;
}

std::uint64_t TwoskipLists::next_offset(const TwoskipRecord& record, std::uint8_t list) const {
  const auto before_end = [this](std::uint64_t pointer) { return pointer < end_ ? pointer : 0; };
  if (list > 0) return before_end(record.pointers[std::size_t{list} + 1]);
  // List 0 has two pointers; the older one is kept until a commit makes the newer one true.
  if (record.type == TwoskipRecord::kDelete) return before_end(record.pointers[0]);
  return std::max(before_end(record.pointers[0]), before_end(record.pointers[1]));
}

base::Result<std::optional<TwoskipRecord>> TwoskipLists::next(const TwoskipRecord& record, std::uint8_t list,
                                                              std::uint64_t& steps) const {
  std::uint64_t offset = next_offset(record, list);
  while (offset != 0) {
    if (steps++ > end_ / TwoskipRecord::kSmallestSize + TwoskipRecord::kMaxLevel) {
      return refuse(offset, "list without an end");
    }
    auto found = record_at(offset);
    if (!found) return tl::unexpected(std::move(found.error()));
    if (found->type == TwoskipRecord::kAdd) {
      if (found->level <= list) return refuse(offset, "too low for its list");
      return std::optional(*std::move(found));
    }
    // A '-' stands for a removed key and leads to what followed it; only list 0 has them.
    if (found->type != TwoskipRecord::kDelete || list != 0) return refuse(offset, "not part of a list");
    offset = next_offset(*found, 0);
  }
  return std::optional<TwoskipRecord>();
}

base::Result<TwoskipPlace> TwoskipLists::place(std::string_view key) const {
  auto first = dummy();
  if (!first) return tl::unexpected(std::move(first.error()));
  TwoskipPlace place;
  place.passed.push_back(*std::move(first));
  std::uint64_t steps = 0;
  // What the list above stopped at is usually what this one stops at: do not read it twice.
  std::uint64_t stop_offset = 0;
  for (std::uint8_t list = TwoskipRecord::kMaxLevel; list-- > 0;) {
    // A record of level L is in lists 0 .. L-1, and the search came down here from a list that it is in.
    for (;;) {
      const TwoskipRecord& here = place.passed.back();
      if (list > 0) {
        const std::uint64_t offset = next_offset(here, list);
        place.next[list] = offset;
        if (offset == 0 || offset == stop_offset) break;
      }
      auto following = next(here, list, steps);
      if (!following) return tl::unexpected(std::move(following.error()));
      if (!*following) {
        place.next[list] = 0;
        break;
      }
      if ((*following)->item.key <= here.item.key) return refuse((*following)->offset, "keys out of order");
      if ((*following)->item.key >= key) {
        stop_offset = (*following)->offset;
        place.next[list] = stop_offset;
        if (list == 0) place.at_or_after = *std::move(following);
        break;
      }
      place.passed.push_back(**std::move(following));
    }
    place.back[list] = place.passed.size() - 1;
  }
  return place;
}

}  // namespace cyrus

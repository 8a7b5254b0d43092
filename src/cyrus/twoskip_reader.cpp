#include "cyrus/twoskip_reader.hpp"

#include <array>

namespace cyrus {

using base::Errc;

base::Result<TwoskipReader> TwoskipReader::open(ReadAt read, std::uint64_t file_size, std::string what) {
  std::array<unsigned char, TwoskipHeader::kSize> bytes{};
  if (file_size < TwoskipRecord::kFirstOffset)
    return base::fail(Errc::corrupt, what + ": too short for a twoskip file");
  const auto got = read(bytes, 0);
  if (!got) return tl::unexpected(got.error());
  if (*got != bytes.size()) return base::fail(Errc::corrupt, what + ": ends within its header");
  const auto header = parse_twoskip_header(bytes);
  if (!header) return base::fail(header.error().code, what + ": " + header.error().text);
  const std::uint64_t end = header->current_size;
  if (end < TwoskipRecord::kFirstOffset || end > file_size || end % 8 != 0) {
    return base::fail(Errc::corrupt,
                      what + ": current size " + std::to_string(end) + " of a file of " + std::to_string(file_size));
  }
  TwoskipLists lists(std::move(read), what, end);
  if (const auto dummy = lists.dummy(); !dummy) return tl::unexpected(dummy.error());
  const bool clean = !header->dirty() && end == file_size;
  return TwoskipReader(std::move(lists), *header, clean, std::move(what));
}

base::Result<std::string> TwoskipReader::find(std::string_view key) const {
  auto place = lists_.place(key);
  if (!place) return tl::unexpected(std::move(place.error()));
  auto& found = place->at_or_after;
  if (!found || found->item.key != key) return base::fail(Errc::not_found, what_ + ": no such key");
  return std::move(found->item.value);
}

base::Result<std::optional<TwoskipItem>> TwoskipReader::first_from(std::string_view key) const {
  auto place = lists_.place(key);
  if (!place) return tl::unexpected(std::move(place.error()));
  if (!place->at_or_after) return std::optional<TwoskipItem>();
  return std::optional(std::move(place->at_or_after->item));
}

base::Result<void> TwoskipReader::walk(const std::function<bool(TwoskipItem&&)>& visit, bool any_order) const {
  auto here = lists_.dummy();
  if (!here) return tl::unexpected(std::move(here.error()));
  std::uint64_t steps = 0;
  std::string previous;
  for (;;) {
    auto following = lists_.next(*here, 0, steps);
    if (!following) return tl::unexpected(std::move(following.error()));
    if (!*following) return {};
    *here = **std::move(following);
    if (!any_order) {
      if (here->item.key <= previous) return lists_.refuse(here->offset, "keys out of order");
      previous = here->item.key;
    }
    if (!visit(std::move(here->item))) return {};
  }
}

}  // namespace cyrus

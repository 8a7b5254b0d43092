#include "cyrus/twoskip_builder.hpp"

#include "base/byte_order.hpp"
#include "base/check.hpp"
#include "base/crc32.hpp"

#include <algorithm>

namespace cyrus::testing {
namespace {

constexpr int kTop = 31;
constexpr std::uint64_t kDummy = 64;
constexpr std::uint64_t kRepackSize = 336;

std::size_t pointer_at(std::uint64_t record, int index) { return record + 8 + 8 * static_cast<std::size_t>(index); }

}  // namespace

TwoskipBuilder::TwoskipBuilder() : bytes_(kDummy, 0) {
  append('=', kTop, "", "", std::vector<std::uint64_t>(kTop + 1, 0));
  committed_ = bytes_.size();
  write_header(false);
}

void TwoskipBuilder::write_header(bool dirty) {
  constexpr std::string_view kMagic{"\xa1\x02\x8b\x0dtwoskip file\0\0\0\0", 20};
  std::ranges::transform(kMagic, bytes_.begin(), [](char c) { return static_cast<unsigned char>(c); });
  const std::span<unsigned char> all(bytes_);
  base::store_be32(all, 20, 1);
  base::store_be64(all, 24, 1);
  base::store_be64(all, 32, count_);
  base::store_be64(all, 40, kRepackSize);
  base::store_be64(all, 48, committed_);
  base::store_be32(all, 56, dirty ? 1 : 0);
  base::store_be32(all, 60, base::crc32(all.first(60)));
}

std::uint64_t TwoskipBuilder::append(char type, int level, std::string_view key, std::string_view value,
                                     const std::vector<std::uint64_t>& pointers) {
  const std::size_t head = 8 + 8 * (static_cast<std::size_t>(level) + 1) + 8;
  const auto add = [this](std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); };
  while (type != '=' && (bytes_.size() + 8) % 512 > (bytes_.size() - 8 + head) % 512) add(" BLANK\x07\xa0");
  const std::uint64_t at = bytes_.size();
  bytes_.resize(at + head);
  bytes_[at] = static_cast<unsigned char>(type);
  bytes_[at + 1] = static_cast<unsigned char>(level);
  base::store_be16(bytes_, at + 2, static_cast<std::uint16_t>(key.size()));
  base::store_be32(bytes_, at + 4, static_cast<std::uint32_t>(value.size()));
  for (std::size_t i = 0; i < pointers.size(); ++i) base::store_be64(bytes_, at + 8 + 8 * i, pointers[i]);
  add(key);
  add(value);
  bytes_.resize((bytes_.size() + 7) / 8 * 8);
  const auto tail = std::span(bytes_).subspan(at + head);
  base::store_be32(bytes_, at + head - 4, tail.empty() ? 0 : base::crc32(tail));
  write_head(at);
  return at;
}

void TwoskipBuilder::write_head(std::uint64_t at) {
  const std::size_t crc_at = pointer_at(at, level(at) + 1);
  base::store_be32(bytes_, crc_at, base::crc32(std::span(bytes_).subspan(at, crc_at - at)));
}

std::uint64_t TwoskipBuilder::pointer(std::uint64_t record, int index) const {
  return base::load_be64(bytes_, pointer_at(record, index));
}

std::uint64_t TwoskipBuilder::next(std::uint64_t record, int list) const {
  if (list > 0) return pointer(record, list + 1);
  std::uint64_t at = std::max(pointer(record, 0), pointer(record, 1));
  while (at != 0 && bytes_[at] == '-') at = pointer(at, 0);
  return at;
}

std::string TwoskipBuilder::key(std::uint64_t record) const {
  const std::size_t start = pointer_at(record, level(record) + 1) + 8;
  const auto* const first = bytes_.data() + start;
  return {first, first + base::load_be16(bytes_, record + 2)};
}

TwoskipBuilder::Place TwoskipBuilder::locate(std::string_view wanted) const {
  Place place{std::vector<std::uint64_t>(kTop, kDummy), std::vector<std::uint64_t>(kTop, 0), std::nullopt};
  std::uint64_t here = kDummy;
  for (int list = kTop - 1; list >= 0; --list) {
    std::uint64_t following = next(here, list);
    while (following != 0 && key(following) < wanted) {
      here = following;
      following = next(here, list);
    }
    place.back[static_cast<std::size_t>(list)] = here;
    place.next[static_cast<std::size_t>(list)] = following;
  }
  if (place.next[0] != 0 && key(place.next[0]) == wanted) place.found = place.next[0];
  return place;
}

void TwoskipBuilder::begin() {
  if (in_transaction_) return;
  in_transaction_ = true;
  states_.clear();
  write_header(true);
  // The header on disk keeps the old count and size until the commit.
  remember();
}

void TwoskipBuilder::point(std::uint64_t record, int list, std::uint64_t to) {
  int index = list + 1;
  if (list == 0) {
    const std::uint64_t p0 = pointer(record, 0);
    const std::uint64_t p1 = pointer(record, 1);
    index = p0 >= committed_ ? 0 : p1 >= committed_ ? 1 : p0 < p1 ? 0 : 1;
  }
  base::store_be64(bytes_, pointer_at(record, index), to);
  write_head(record);
  remember();
}

void TwoskipBuilder::store(std::string_view key, std::string_view value, int level) {
  CHECK(level >= 1 && level <= kTop && !key.empty());
  begin();
  Place place = locate(key);
  int old_level = 0;
  if (place.found) {
    old_level = this->level(*place.found);
    for (int i = 0; i < old_level; ++i) place.next[static_cast<std::size_t>(i)] = next(*place.found, i);
    --count_;
  }
  std::vector<std::uint64_t> pointers{0};
  for (int i = 0; i < level; ++i) pointers.push_back(place.next[static_cast<std::size_t>(i)]);
  const std::uint64_t at = append('+', level, key, value, pointers);
  remember();
  for (int i = 0; i < std::max(level, old_level); ++i) {
    const auto index = static_cast<std::size_t>(i);
    point(place.back[index], i, i < level ? at : place.next[index]);
  }
  ++count_;
}

void TwoskipBuilder::remove(std::string_view key) {
  begin();
  const Place place = locate(key);
  CHECK(place.found.has_value());
  const std::uint64_t at = append('-', 0, "", "", {next(*place.found, 0)});
  remember();
  point(place.back[0], 0, at);
  for (int i = 1; i < level(*place.found); ++i)
    point(place.back[static_cast<std::size_t>(i)], i, next(*place.found, i));
  --count_;
}

void TwoskipBuilder::commit() {
  if (!in_transaction_) return;
  append('$', 0, "", "", {committed_});
  remember();
  committed_ = bytes_.size();
  write_header(false);
  in_transaction_ = false;
}

}  // namespace cyrus::testing

#include "cyrus/cache_record.hpp"

#include "base/byte_order.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cyrus {
namespace {

using Items = std::vector<std::string>;

const Items kItems{"(ENV)", "(BS)", "(B)", std::string(8, '\0'), "X-Mailer: x\r\n", "", "<a@b>", "", "", "NIL"};

std::vector<unsigned char> encode(const Items& items) {
  std::vector<unsigned char> bytes;
  for (const std::string& item : items) {
    std::vector<unsigned char> piece(4 + (item.size() + 3) / 4 * 4);
    base::store_be32(piece, 0, static_cast<std::uint32_t>(item.size()));
    std::copy(item.begin(), item.end(), piece.begin() + 4);
    bytes.insert(bytes.end(), piece.begin(), piece.end());
  }
  return bytes;
}

TEST(CacheRecord, HasTenItemsWithPadding) {
  auto bytes = encode(kItems);
  const std::size_t size = bytes.size();
  bytes.insert(bytes.end(), 12, 0xff);  // what follows is the next record
  const auto shape = parse_cache_record(bytes);
  ASSERT_TRUE(shape) << shape.error().text;
  EXPECT_EQ(shape->size, size);
  for (std::size_t i = 0; i < kItems.size(); ++i) {
    const CacheItem item = shape->items[i];
    EXPECT_EQ(std::string(bytes.begin() + static_cast<std::ptrdiff_t>(item.at),
                          bytes.begin() + static_cast<std::ptrdiff_t>(item.at + item.size)),
              kItems[i]);
  }
}

TEST(CacheRecord, SaysWhereTheFileEnds) {
  const auto bytes = encode(kItems);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto shape = parse_cache_record(std::span(bytes).first(size));
    ASSERT_FALSE(shape);
    EXPECT_EQ(shape.error().code, base::Errc::limit) << size;
  }
}

TEST(CacheRecord, RefusesPaddingSizesAndFormsThatCannotBe) {
  auto padding = encode(kItems);
  padding[9 + 2] = 1;  // "(ENV)" is 5 octets behind its length of 4
  EXPECT_EQ(parse_cache_record(padding).error().text, "ENVELOPE: padding that is not zero");
  auto size = encode(kItems);
  size[0] = 0xff;
  EXPECT_EQ(parse_cache_record(size).error().code, base::Errc::corrupt);
  for (const auto& [item, text] :
       std::vector<std::pair<std::size_t, std::string>>{{0, "ENV"}, {1, ""}, {2, "(B"}, {3, "123"}, {9, "subject"}}) {
    Items items = kItems;
    items[item] = text;
    EXPECT_EQ(parse_cache_record(encode(items)).error().code, base::Errc::corrupt) << text;
  }
}

}  // namespace
}  // namespace cyrus

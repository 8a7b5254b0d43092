#include "cyrus/index_format.hpp"

#include <gtest/gtest.h>

namespace cyrus {
namespace {

TEST(IndexFormat, KnowsTheSizesOfEachVersion) {
  struct Row {
    std::uint32_t version;
    std::uint32_t header_size;
    std::uint32_t record_size;
  };
  const Row rows[] = {{12, 128, 96},  {13, 128, 104}, {14, 160, 104}, {15, 160, 104}, {16, 160, 112},
                      {17, 160, 112}, {18, 160, 112}, {19, 160, 112}, {20, 192, 144}};
  for (const Row& row : rows) {
    const IndexFormat* format = find_index_format(row.version);
    ASSERT_NE(format, nullptr) << row.version;
    EXPECT_EQ(format->version, row.version);
    EXPECT_EQ(format->header_size, row.header_size) << row.version;
    EXPECT_EQ(format->record_size, row.record_size) << row.version;
  }
}

TEST(IndexFormat, KnowsNoOtherVersion) {
  EXPECT_EQ(find_index_format(0), nullptr);
  EXPECT_EQ(find_index_format(11), nullptr);
  EXPECT_EQ(find_index_format(21), nullptr);
  EXPECT_EQ(find_index_format(0xffffffff), nullptr);
}

}  // namespace
}  // namespace cyrus

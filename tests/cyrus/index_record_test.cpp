#include "cyrus/index_record.hpp"

#include "support/index_writer.hpp"
#include "support/random_index.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>

namespace cyrus {
namespace {

std::span<const unsigned char> bytes_of(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

// Uid 1 of the mailbox in index_header_test.cpp, deleted over POP3 with expunge_mode delayed.
const unsigned char kRecord361[] = {
    0x00, 0x00, 0x00, 0x01, 0x6b, 0x03, 0x5b, 0x97, 0x6a, 0xe7, 0xd2, 0x80, 0x00, 0x00, 0x01, 0xb4, 0x00, 0x00, 0x01,
    0xad, 0x6a, 0xe7, 0xe0, 0x90, 0x00, 0x00, 0x00, 0x04, 0x6b, 0x03, 0x5b, 0x97, 0x80, 0x00, 0x00, 0x04, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x6b, 0x03, 0x5b, 0x97, 0x00,
    0x00, 0x00, 0x0b, 0x76, 0xb5, 0x1c, 0xb3, 0x56, 0x6d, 0x3f, 0xde, 0x05, 0x0d, 0xba, 0x90, 0x0a, 0x5d, 0xfc, 0x21,
    0x92, 0x52, 0x33, 0x94, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x56, 0xa3, 0x4c, 0x45, 0xb2, 0x95, 0xe0, 0x16};

TEST(IndexRecord, ReadsWhatCyrus361Wrote) {
  ASSERT_TRUE(has_valid_crc(kRecord361));
  const IndexRecord record = decode_index_record(*find_index_format(17), kRecord361);
  EXPECT_EQ(record.uid, 1u);
  EXPECT_EQ(record.internaldate, (Time{1795382167, 0}));
  EXPECT_EQ(record.sentdate, (Time{0x6ae7d280, 0}));
  EXPECT_EQ(record.size, 436u);
  EXPECT_EQ(record.header_size, 429u);
  EXPECT_EQ(record.gmtime, (Time{0x6ae7e090, 0}));
  EXPECT_EQ(record.cache_offset, 4u);
  EXPECT_EQ(record.last_updated, (Time{1795382167, 0}));
  EXPECT_EQ(record.flags, flag_bit::kExpunged | flag_bit::kDeleted);
  EXPECT_EQ(record.user_flags, (std::array<std::uint32_t, 4>{}));
  EXPECT_EQ(record.savedate, (Time{1795382167, 0}));
  EXPECT_EQ(record.content_lines, 0u);
  EXPECT_EQ(record.cache_version, 11u);
  EXPECT_EQ(record.guid.front(), 0x76);
  EXPECT_EQ(record.guid.back(), 0x94);
  EXPECT_EQ(record.modseq, 4u);
  EXPECT_EQ(record.cid, 0u);
  EXPECT_EQ(record.createdmodseq, 2u);
  EXPECT_EQ(record.basecid, 0u);
  EXPECT_EQ(record.cache_crc, 0x56a34c45u);
}

TEST(IndexRecord, ReadsEveryFieldOfEveryVersion) {
  for (std::uint32_t version = kOldestIndexVersion; version <= kNewestIndexVersion; ++version) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE("version " + std::to_string(version) + ", seed " + std::to_string(seed));
      support::Random random(seed);
      const IndexRecord written = support::random_record(random, version);
      const std::string bytes = support::index_record_bytes(version, written);
      const IndexFormat& format = *find_index_format(version);
      ASSERT_EQ(bytes.size(), format.record_size);
      ASSERT_TRUE(has_valid_crc(bytes_of(bytes)));
      const IndexRecord read = decode_index_record(format, bytes_of(bytes));
      EXPECT_EQ(read.uid, written.uid);
      EXPECT_EQ(read.internaldate, written.internaldate);
      EXPECT_EQ(read.sentdate, written.sentdate);
      EXPECT_EQ(read.size, written.size);
      EXPECT_EQ(read.header_size, written.header_size);
      EXPECT_EQ(read.gmtime, written.gmtime);
      EXPECT_EQ(read.cache_offset, written.cache_offset);
      EXPECT_EQ(read.last_updated, written.last_updated);
      EXPECT_EQ(read.flags, written.flags);
      EXPECT_EQ(read.user_flags, written.user_flags);
      EXPECT_EQ(read.savedate, written.savedate);
      EXPECT_EQ(read.content_lines, written.content_lines);
      EXPECT_EQ(read.cache_version, written.cache_version);
      EXPECT_EQ(read.guid, written.guid);
      EXPECT_EQ(read.modseq, written.modseq);
      EXPECT_EQ(read.cid, written.cid);
      EXPECT_EQ(read.createdmodseq, written.createdmodseq);
      EXPECT_EQ(read.basecid, written.basecid);
      EXPECT_EQ(read.cache_crc, written.cache_crc);
    }
  }
}

TEST(IndexRecord, CrcNoticesEveryFlippedBit) {
  for (std::size_t bit = 0; bit < sizeof kRecord361 * 8; ++bit) {
    std::string bytes(reinterpret_cast<const char*>(kRecord361), sizeof kRecord361);
    bytes[bit / 8] = static_cast<char>(static_cast<unsigned>(bytes[bit / 8]) ^ (1u << (bit % 8)));
    EXPECT_FALSE(has_valid_crc(bytes_of(bytes))) << "bit " << bit;
  }
}

TEST(IndexRecord, WithoutRoomForACrcIsNotValid) { EXPECT_FALSE(has_valid_crc(bytes_of("abc"))); }

}  // namespace
}  // namespace cyrus

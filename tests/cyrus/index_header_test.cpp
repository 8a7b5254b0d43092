#include "cyrus/index_header.hpp"

#include "base/crc32.hpp"
#include "support/index_writer.hpp"
#include "support/random_index.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

namespace cyrus {
namespace {

std::span<const unsigned char> bytes_of(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

std::string hex(std::string_view digits) {
  std::string bytes;
  std::string pair;
  for (const char c : digits) {
    if (c == ' ' || c == '\n') continue;
    pair += c;
    if (pair.size() < 2) continue;
    bytes += static_cast<char>(std::stoi(pair, nullptr, 16));
    pair.clear();
  }
  return bytes;
}

// A header that Cyrus 3.6.1 wrote after one of two messages had been deleted over POP3.
const std::string kHeader361 =
    hex("00000000 00000000 00000011 000000a0 00000070 00000002 6b035b97 00000002"
        "00000000 000001b5 6b035b97 6b035b98 00000000 00000000 00000000 00000001"
        "00000000 00000000 00000004 00000000 00000000 00000001 6b035b97 00000000"
        "b0c79ad6 5f21527c 00000000 00000000 00000000 00000000 e8fa9975 00000001"
        "00000000 00000001 6b035b97 00000000 00000000 00000000 00000000 95872b04");

::testing::AssertionResult equal(const IndexHeader& a, const IndexHeader& b) {
#define COMPARE(field) \
  if (a.field != b.field) return ::testing::AssertionFailure() << #field << " differs"
  COMPARE(generation_no);
  COMPARE(minor_version);
  COMPARE(num_records);
  COMPARE(last_appenddate);
  COMPARE(last_uid);
  COMPARE(quota_mailbox_used);
  COMPARE(pop3_last_login);
  COMPARE(uidvalidity);
  COMPARE(deleted);
  COMPARE(answered);
  COMPARE(flagged);
  COMPARE(options);
  COMPARE(leaked_cache_records);
  COMPARE(highestmodseq);
  COMPARE(deletedmodseq);
  COMPARE(exists);
  COMPARE(first_expunged);
  COMPARE(last_repack_time);
  COMPARE(header_file_crc);
  COMPARE(sync_crc_basic);
  COMPARE(recentuid);
  COMPARE(recenttime);
  COMPARE(pop3_show_after);
  COMPARE(quota_annot_used);
  COMPARE(sync_crc_annot);
  COMPARE(unseen);
  COMPARE(createdmodseq);
  COMPARE(changes_epoch);
  COMPARE(quota_deleted_used);
  COMPARE(quota_expunged_used);
#undef COMPARE
  return ::testing::AssertionSuccess();
}

TEST(IndexHeader, ReadsWhatCyrus361Wrote) {
  const auto header = parse_index_header(bytes_of(kHeader361), "index");
  ASSERT_TRUE(header) << header.error().text;
  EXPECT_EQ(header->generation_no, 0u);
  EXPECT_EQ(header->minor_version, 17u);
  EXPECT_EQ(header->start_offset, 160u);
  EXPECT_EQ(header->record_size, 112u);
  EXPECT_EQ(header->num_records, 2u);
  EXPECT_EQ(header->last_appenddate, (Time{1795382167, 0}));
  EXPECT_EQ(header->last_uid, 2u);
  EXPECT_EQ(header->quota_mailbox_used, 437u);
  EXPECT_EQ(header->pop3_last_login, (Time{1795382167, 0}));
  EXPECT_EQ(header->uidvalidity, 1795382168u);
  EXPECT_EQ(header->deleted, 0u);
  EXPECT_EQ(header->answered, 0u);
  EXPECT_EQ(header->flagged, 0u);
  EXPECT_EQ(header->options, option_bit::kPop3NewUidl);
  EXPECT_EQ(header->leaked_cache_records, 0u);
  EXPECT_EQ(header->highestmodseq, 4u);
  EXPECT_EQ(header->deletedmodseq, 0u);
  EXPECT_EQ(header->exists, 1u);
  EXPECT_EQ(header->first_expunged, (Time{1795382167, 0}));
  EXPECT_EQ(header->last_repack_time, Time{});
  EXPECT_EQ(header->header_file_crc, 0xb0c79ad6u);
  EXPECT_EQ(header->sync_crc_basic, 0x5f21527cu);
  EXPECT_EQ(header->recentuid, 0u);
  EXPECT_EQ(header->recenttime, Time{});
  EXPECT_EQ(header->pop3_show_after, Time{});
  EXPECT_EQ(header->quota_annot_used, 0u);
  EXPECT_EQ(header->sync_crc_annot, 0xe8fa9975u);
  EXPECT_EQ(header->unseen, 1u);
  EXPECT_EQ(header->createdmodseq, 1u);
  EXPECT_EQ(header->changes_epoch, (Time{1795382167, 0}));
  EXPECT_EQ(header->quota_deleted_used, 0u);
  EXPECT_EQ(header->quota_expunged_used, 0u);
  EXPECT_EQ(header->end_of_records(), 384u);
}

TEST(IndexHeader, ReadsEveryFieldOfEveryVersion) {
  for (std::uint32_t version = kOldestIndexVersion; version <= kNewestIndexVersion; ++version) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      support::Random random(seed);
      const IndexHeader written = support::random_header(random, version);
      const std::string bytes = support::index_header_bytes(written);
      const auto read = parse_index_header(bytes_of(bytes), "index");
      ASSERT_TRUE(read) << "version " << version << ": " << read.error().text;
      EXPECT_EQ(read->start_offset, bytes.size());
      EXPECT_TRUE(equal(*read, written)) << "version " << version << ", seed " << seed;
    }
  }
}

TEST(IndexHeader, IgnoresWhatFollowsTheHeader) {
  EXPECT_TRUE(parse_index_header(bytes_of(kHeader361 + "the first record"), "index"));
}

TEST(IndexHeader, OfAnEmptyMailboxGetsTheNewUidlBitInMemory) {
  support::Random random(1);
  IndexHeader written = support::random_header(random, 17);
  written.exists = 0;
  written.options = 0;
  const auto empty = parse_index_header(bytes_of(support::index_header_bytes(written)), "index");
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->options, option_bit::kPop3NewUidl);

  written.exists = 1;
  const auto used = parse_index_header(bytes_of(support::index_header_bytes(written)), "index");
  ASSERT_TRUE(used);
  EXPECT_EQ(used->options, 0u);
}

TEST(IndexHeader, CountsModseqZeroAsOne) {
  support::Random random(1);
  IndexHeader written = support::random_header(random, 17);
  written.highestmodseq = 0;
  const auto read = parse_index_header(bytes_of(support::index_header_bytes(written)), "index");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->highestmodseq, 1u);
}

TEST(IndexHeader, NoticesEveryFlippedBit) {
  for (std::size_t bit = 0; bit < kHeader361.size() * 8; ++bit) {
    std::string bytes = kHeader361;
    bytes[bit / 8] = static_cast<char>(static_cast<unsigned>(bytes[bit / 8]) ^ (1u << (bit % 8)));
    EXPECT_FALSE(parse_index_header(bytes_of(bytes), "index")) << "bit " << bit;
  }
}

TEST(IndexHeader, OfAnyShorterLengthIsCorrupt) {
  for (std::size_t size = 0; size < kHeader361.size(); ++size) {
    const auto header = parse_index_header(bytes_of(kHeader361).first(size), "index");
    ASSERT_FALSE(header);
    EXPECT_EQ(header.error().code, base::Errc::corrupt) << size;
  }
}

TEST(IndexHeader, OfAnOldVersionAsksForReconstruct) {
  for (const int version : {6, 8, 10, 11}) {
    std::string bytes = kHeader361;
    bytes[11] = static_cast<char>(version);
    const auto header = parse_index_header(bytes_of(bytes), "mailbox user.ann: cyrus.index");
    ASSERT_FALSE(header);
    EXPECT_EQ(header.error().code, base::Errc::unsupported);
    EXPECT_EQ(header.error().text, "mailbox user.ann: cyrus.index: minor version " + std::to_string(version) +
                                       " is older than 12; convert the mailbox with reconstruct -V max");
  }
}

TEST(IndexHeader, OfAFutureVersionIsUnsupported) {
  std::string bytes = kHeader361;
  bytes[11] = 21;
  const auto header = parse_index_header(bytes_of(bytes), "index");
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().code, base::Errc::unsupported);
}

TEST(IndexHeader, OfAVersionThatNeverExistedIsCorrupt) {
  const auto header = parse_index_header(bytes_of(std::string(192, '\0')), "index");
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().code, base::Errc::corrupt);
}

TEST(IndexHeader, WithSizesOfAnotherVersionIsCorrupt) {
  // A version 19 header that promises records of version 20, with a right CRC.
  support::Random random(7);
  std::string bytes = support::index_header_bytes(support::random_header(random, 19));
  bytes.resize(bytes.size() - 4);
  bytes[19] = static_cast<char>(std::uint8_t{144});
  support::append_be32(bytes, base::crc32(bytes));
  const auto header = parse_index_header(bytes_of(bytes), "index");
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().code, base::Errc::corrupt);
}

}  // namespace
}  // namespace cyrus

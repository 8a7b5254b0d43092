#include "cyrus/index_reader.hpp"

#include "base/unique_fd.hpp"
#include "support/index_writer.hpp"
#include "support/random_index.hpp"

#include <gtest/gtest.h>

#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace cyrus {
namespace {

/// A file in memory: a real descriptor for pread and fstat.
base::UniqueFd file_of(const std::string& bytes) {
  base::UniqueFd fd(::memfd_create("index", MFD_CLOEXEC));
  if (::write(fd.value(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) fd.reset();
  return fd;
}

std::string index_of(std::uint32_t version, const std::vector<std::uint32_t>& uids) {
  support::Random random(version);
  IndexHeader header = support::random_header(random, version);
  header.num_records = static_cast<std::uint32_t>(uids.size());
  std::string bytes = support::index_header_bytes(header);
  IndexRecord record = support::random_record(random, version);
  for (const auto uid : uids) {
    record.uid = uid;
    bytes += support::index_record_bytes(version, record);
  }
  return bytes;
}

base::Result<std::vector<std::uint32_t>> uids_in(const std::string& bytes) {
  const auto fd = file_of(bytes);
  const auto reader = IndexReader::open(fd.value(), "index");
  if (!reader) return tl::unexpected(reader.error());
  std::vector<std::uint32_t> uids;
  const auto read = reader->for_each([&uids](const IndexRecord& record) -> base::Result<void> {
    uids.push_back(record.uid);
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return uids;
}

TEST(IndexReader, VisitsAllRecordsInOrder) {
  const std::vector<std::uint32_t> uids = {1, 2, 3, 17, 4'294'967'295};
  for (std::uint32_t version = 12; version <= 20; ++version) {
    const auto read = uids_in(index_of(version, uids));
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(*read, uids);
  }
}

TEST(IndexReader, ReadsAMailboxOfManyChunks) {
  std::vector<std::uint32_t> uids;
  for (std::uint32_t uid = 1; uid <= 10'000; ++uid) uids.push_back(uid);
  const auto read = uids_in(index_of(20, uids));
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(*read, uids);
}

TEST(IndexReader, ReadsAnEmptyMailbox) {
  const auto read = uids_in(index_of(17, {}));
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_TRUE(read->empty());
}

TEST(IndexReader, IgnoresGarbageBehindTheLastRecord) {
  const auto read = uids_in(index_of(17, {1, 2}) + std::string(500, 'x'));
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->size(), 2u);
}

TEST(IndexReader, RefusesAFileThatIsTooShortForItsRecords) {
  const std::string bytes = index_of(17, {1, 2});
  for (const std::size_t missing : {1u, 4u, 112u, 224u}) {
    const auto read = uids_in(bytes.substr(0, bytes.size() - missing));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, base::Errc::corrupt);
  }
}

TEST(IndexReader, RefusesARecordCountThatOverflows32Bits) {
  support::Random random(1);
  IndexHeader header = support::random_header(random, 20);
  header.num_records = 0xffffffff;
  const auto read = uids_in(support::index_header_bytes(header));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, base::Errc::corrupt);
}

TEST(IndexReader, NamesTheRecordWhoseCrcIsWrong) {
  std::string bytes = index_of(17, {1, 2, 3});
  bytes[160 + 112 + 40] = static_cast<char>(bytes[160 + 112 + 40] ^ 1);
  const auto read = uids_in(bytes);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, base::Errc::corrupt);
  EXPECT_EQ(read.error().text, "index: record 2: wrong CRC; run reconstruct");
}

TEST(IndexReader, RefusesUidsThatDoNotAscend) {
  EXPECT_FALSE(uids_in(index_of(17, {1, 1})));
  EXPECT_FALSE(uids_in(index_of(17, {5, 4})));
  EXPECT_FALSE(uids_in(index_of(17, {0, 4})));
}

TEST(IndexReader, NoticesAFileThatShrinksWhileItIsRead) {
  const auto fd = file_of(index_of(17, {1, 2, 3}));
  const auto reader = IndexReader::open(fd.value(), "index");
  ASSERT_TRUE(reader);
  ASSERT_EQ(::ftruncate(fd.value(), 200), 0);
  const auto read = reader->for_each([](const IndexRecord&) -> base::Result<void> { return {}; });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, base::Errc::corrupt);
}

TEST(IndexReader, StopsWhenTheVisitorFails) {
  const auto fd = file_of(index_of(17, {1, 2, 3}));
  const auto reader = IndexReader::open(fd.value(), "index");
  ASSERT_TRUE(reader);
  int visits = 0;
  const auto read = reader->for_each([&visits](const IndexRecord&) -> base::Result<void> {
    if (++visits == 2) return base::fail(base::Errc::limit, "enough");
    return {};
  });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().text, "enough");
  EXPECT_EQ(visits, 2);
}

TEST(IndexReader, RefusesAPipe) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const base::UniqueFd reading(ends[0]);
  const base::UniqueFd writing(ends[1]);
  const auto reader = IndexReader::open(reading.value(), "index");
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, base::Errc::corrupt);
}

}  // namespace
}  // namespace cyrus

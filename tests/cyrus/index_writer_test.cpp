#include "cyrus/index_writer.hpp"

#include "base/file_io.hpp"
#include "cyrus/index_change.hpp"
#include "cyrus/index_record.hpp"
#include "support/index_writer.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <sys/resource.h>

namespace cyrus {
namespace {

/// cyrus.index of version 17 with these UIDs.
std::string index_of(const std::vector<std::uint32_t>& uids) {
  IndexHeader header;
  header.minor_version = 17;
  header.num_records = static_cast<std::uint32_t>(uids.size());
  header.exists = header.num_records;
  header.last_uid = uids.empty() ? 0 : uids.back();
  std::string bytes = support::index_header_bytes(header);
  for (const auto uid : uids) {
    IndexRecord record;
    record.uid = uid;
    bytes += support::index_record_bytes(17, record);
  }
  return bytes;
}

class IndexFile {
 public:
  explicit IndexFile(const std::vector<std::uint32_t>& uids, int access = O_RDWR) {
    std::ofstream(path_, std::ios::binary) << index_of(uids);
    fd_ = base::open_file(path_, access).value();
  }

  IndexWriter writer() const { return IndexWriter::open(fd_.value(), "index").value(); }
  std::string bytes() const { return base::read_file(path_, 10'000'000).value(); }

 private:
  support::TempDirectory directory_;
  std::filesystem::path path_ = directory_.path() / "cyrus.index";
  base::UniqueFd fd_;
};

RC_GTEST_PROP(IndexWriter, FindsEveryUidThatIsThereAndNoOther, (std::set<std::uint16_t> some, std::uint8_t more)) {
  some.erase(0);
  std::vector<std::uint32_t> uids(some.begin(), some.end());
  for (std::uint32_t i = 0; i < more * 10U; ++i) uids.push_back(100'000 + 3 * i);
  const IndexFile file(uids);
  auto writer = file.writer();
  const auto wanted = *rc::gen::container<std::set<std::uint32_t>>(
      rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(1, 110'000),
                     uids.empty() ? rc::gen::just<std::uint32_t>(7) : rc::gen::elementOf(uids)));
  for (const auto uid : wanted) {
    const auto found = writer.find(uid);
    if (!found) RC_FAIL(found.error().text);
    const auto at = std::ranges::lower_bound(uids, uid);
    const bool is_there = at != uids.end() && *at == uid;
    RC_ASSERT(found->bytes.empty() == !is_there);
    if (is_there) RC_ASSERT(found->number == static_cast<std::uint32_t>(at - uids.begin()));
  }
}

/// Changes these records, and the header, by one bit each.
base::Result<void> change(IndexWriter& writer, const std::vector<std::uint32_t>& uids) {
  RecordEdits edits(writer.header().record_size);
  for (const auto uid : uids) {
    const auto found = writer.find(uid);
    edits.add(found->number, found->bytes);
  }
  for (std::size_t i = 0; i < edits.size(); ++i) {
    edits.after(i)[40] ^= 1;
    seal(edits.after(i));
  }
  std::vector<unsigned char> header(writer.header_bytes().begin(), writer.header_bytes().end());
  header[43] ^= 1;
  seal(header);
  return writer.commit(edits, header, IndexWriter::Durability::before_return);
}

std::vector<std::uint32_t> first_uids(std::uint32_t count) {
  std::vector<std::uint32_t> uids;
  for (std::uint32_t uid = 1; uid <= count; ++uid) uids.push_back(uid);
  return uids;
}

TEST(IndexWriter, WritesRecordsAndHeaderAndNothingElse) {
  for (const std::vector<std::uint32_t>& uids :
       {std::vector<std::uint32_t>{}, {1}, {1, 2, 3}, {2, 500}, {1, 2, 700, 701, 3000}}) {
    const IndexFile file(first_uids(3000));
    std::string expected = file.bytes();
    auto writer = file.writer();
    const auto done = change(writer, uids);
    ASSERT_TRUE(done) << done.error().text;
    const std::string after = file.bytes();
    ASSERT_EQ(after.size(), expected.size());
    std::set<std::size_t> changed;
    for (std::size_t at = 0; at < after.size(); ++at) {
      if (after[at] != expected[at]) changed.insert(at < 160 ? 0 : (at - 160) / 112 + 1);
    }
    std::set<std::size_t> wanted(uids.begin(), uids.end());
    wanted.insert(0);
    EXPECT_EQ(changed, wanted);
    EXPECT_TRUE(IndexWriter::open(base::open_file("/dev/null", O_RDONLY)->value(), "null").error().code ==
                base::Errc::corrupt);
  }
}

TEST(IndexWriter, PutsTheOldBytesBackAfterAFailureInTheMiddle) {
  for (const std::uint64_t limit : {std::uint64_t{0}, std::uint64_t{100}, std::uint64_t{200}, std::uint64_t{90'000}}) {
    const IndexFile file(first_uids(3000));
    const std::string before = file.bytes();
    auto writer = file.writer();
    struct rlimit old_limit = {};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old_limit), 0);
    struct rlimit small = old_limit;
    small.rlim_cur = limit;
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const auto done = change(
        writer, limit > 1000 ? std::vector<std::uint32_t>{1, 2, 799, 3000} : std::vector<std::uint32_t>{1, 2, 3});
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old_limit), 0);
    std::signal(SIGXFSZ, old_handler);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, base::Errc::io);
    // The limit holds for writing back too, as far as it reaches: up to it everything is as before, behind nothing
    // was written.
    EXPECT_TRUE(file.bytes() == before) << limit;
  }
}

TEST(IndexWriter, SaysSoWhenTheOldBytesCannotBePutBack) {
  const IndexFile file(first_uids(3), O_RDONLY);
  auto writer = file.writer();
  const auto done = change(writer, {1});
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text.find("could not be put back"), std::string::npos) << done.error().text;
}

TEST(IndexWriter, DoesNotCallGoneWhatStandsInTheWrongPlace) {
  for (const std::vector<std::uint32_t>& uids :
       {std::vector<std::uint32_t>{2, 1, 3}, {3, 2, 1}, {2, 2, 5}, {0, 2, 3}}) {
    const IndexFile file(uids);
    auto writer = file.writer();
    const auto found = writer.find(1);
    ASSERT_FALSE(found) << uids[0] << ' ' << uids[1] << ' ' << uids[2];
    EXPECT_EQ(found.error().code, base::Errc::corrupt);
  }
}

TEST(IndexWriter, RefusesARecordWithAWrongCrc) {
  const IndexFile good(first_uids(3));
  const support::TempDirectory directory;
  std::string bytes = good.bytes();
  bytes[160 + 112 + 50] ^= 1;
  std::ofstream(directory.path() / "index", std::ios::binary) << bytes;
  const auto fd = base::open_file(directory.path() / "index", O_RDWR);
  auto writer = IndexWriter::open(fd->value(), "index").value();
  EXPECT_TRUE(writer.find(1));
  const auto bad = writer.find(2);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, base::Errc::corrupt);
  EXPECT_NE(bad.error().text.find("record 2"), std::string::npos) << bad.error().text;
}

// A process that had a copy of the writer died, having written anything between nothing and all.
TEST(IndexWriter, PutsBackWhatALostProcessWrote) {
  for (const std::vector<std::uint32_t>& uids : {std::vector<std::uint32_t>{1, 2, 3}, {1, 2, 700, 701, 3000}}) {
    const IndexFile file(first_uids(3000));
    const std::string before = file.bytes();
    auto writer = file.writer();
    RecordEdits edits(writer.header().record_size);
    for (const auto uid : uids) {
      const auto found = writer.find(uid);
      edits.add(found->number, found->bytes);
    }
    ASSERT_TRUE(writer.put_back(edits));
    EXPECT_TRUE(file.bytes() == before);
    auto lost = file.writer();
    ASSERT_TRUE(change(lost, uids));
    EXPECT_FALSE(file.bytes() == before);
    ASSERT_TRUE(writer.put_back(edits));
    EXPECT_TRUE(file.bytes() == before);
  }
}

}  // namespace
}  // namespace cyrus

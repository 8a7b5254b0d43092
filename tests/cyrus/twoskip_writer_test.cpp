#include "cyrus/twoskip_writer.hpp"

#include "base/file_lock.hpp"
#include "cyrus/twoskip_builder.hpp"
#include "cyrus/twoskip_support.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace cyrus {
namespace {

using base::Errc;
using testing::clean_content;
using testing::Content;
using testing::RecordingDisk;

// A file in an empty directory.
class TwoskipWriterTest : public ::testing::Test {
 protected:
  TwoskipWriter writer(TwoskipDisk& disk = TwoskipDisk::plain()) {
    auto opened = TwoskipWriter::open(path, {.create = true, .damage = TwoskipDamage::refuse, .disk = &disk});
    if (!opened) throw std::runtime_error(opened.error().text);
    return *std::move(opened);
  }
  Content content() const {
    const auto found = clean_content(path);
    EXPECT_TRUE(found) << found.error().text;
    return found ? *found : Content();
  }
  bool has_new_version() const { return std::filesystem::exists(path.native() + ".NEW"); }

  support::TempDirectory directory;
  std::filesystem::path path = directory.path() / "test.db";
};

std::string kind_of(const RecordingDisk::Step& step) {
  struct Name {
    std::string operator()(const RecordingDisk::Write& w) const { return w.offset == 0 ? "header" : "write"; }
    std::string operator()(const RecordingDisk::Truncate&) const { return "truncate"; }
    std::string operator()(const RecordingDisk::Sync& s) const { return s.data_only ? "fdatasync" : "fsync"; }
    std::string operator()(const RecordingDisk::Rename&) const { return "rename"; }
    std::string operator()(const RecordingDisk::SyncDirectory&) const { return "directory"; }
  };
  return std::visit(Name{}, step);
}

std::vector<std::string> kinds_of(const RecordingDisk& disk) {
  std::vector<std::string> kinds;
  for (const auto& step : disk.steps) kinds.push_back(kind_of(step));
  return kinds;
}

Errc failure(const std::filesystem::path& path, const TwoskipOpening& how = {}) {
  const auto opened = TwoskipWriter::open(path, how);
  EXPECT_FALSE(opened);
  return opened ? Errc::io : opened.error().code;
}

TEST_F(TwoskipWriterTest, ANewDatabaseIsThatOfTheFormatsDescription) {
  EXPECT_EQ(failure(path), Errc::not_found);
  EXPECT_FALSE(std::filesystem::exists(path));
  writer();
  const auto expected = testing::TwoskipBuilder().bytes();
  EXPECT_EQ(testing::read_file(path), std::string(expected.begin(), expected.end()));
  EXPECT_FALSE(has_new_version());
}

TEST_F(TwoskipWriterTest, AnEmptyFileIsADatabaseThatNobodyHasBegun) {
  testing::write_file(path, "");
  const auto opened = TwoskipWriter::open(path);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(content().empty());
}

TEST_F(TwoskipWriterTest, ACommitIsSeenByTheReader) {
  auto database = writer();
  ASSERT_TRUE(database.store("b", "2"));
  ASSERT_TRUE(database.store("a", ""));
  ASSERT_TRUE(database.store("b", "two"));
  ASSERT_TRUE(database.commit());
  EXPECT_EQ(content(), (Content{{"a", ""}, {"b", "two"}}));
  EXPECT_EQ(database.header().record_count, 2U);
}

TEST_F(TwoskipWriterTest, FindSeesTheChangesOfTheOpenTransaction) {
  auto database = writer();
  ASSERT_TRUE(database.store("a", "1"));
  EXPECT_EQ(*database.find("a"), "1");
  ASSERT_TRUE(*database.erase("a"));
  EXPECT_EQ(database.find("a").error().code, Errc::not_found);
  EXPECT_FALSE(*database.erase("a"));
}

TEST_F(TwoskipWriterTest, WritesAndSyncsInTheOrderThatMakesACrashHarmless) {
  RecordingDisk disk;
  auto database = writer(disk);
  disk.steps.clear();
  ASSERT_TRUE(database.store("key", "value"));
  EXPECT_EQ(kinds_of(disk), (std::vector<std::string>{"header", "fdatasync", "write", "write"}));
  const auto& dirty = std::get<RecordingDisk::Write>(disk.steps[0]).bytes;
  EXPECT_EQ(dirty.substr(0, 56), testing::read_file(path).substr(0, 56));
  EXPECT_EQ(dirty[59], 1);
  disk.steps.clear();
  ASSERT_TRUE(database.commit());
  EXPECT_EQ(kinds_of(disk), (std::vector<std::string>{"write", "fsync", "header", "fdatasync"}));
  EXPECT_EQ(std::get<RecordingDisk::Write>(disk.steps[2]).bytes[59], 0);
}

TEST_F(TwoskipWriterTest, WhatChangesNothingIsNotWritten) {
  auto database = writer();
  ASSERT_TRUE(database.store("a", "1"));
  ASSERT_TRUE(database.commit());
  const std::string before = testing::read_file(path);
  ASSERT_TRUE(database.store("a", "1"));
  ASSERT_FALSE(*database.erase("b"));
  ASSERT_TRUE(database.commit());
  ASSERT_TRUE(database.abort());
  EXPECT_EQ(testing::read_file(path), before);
}

TEST_F(TwoskipWriterTest, AnAbortLeavesTheFileOfTheLastCommit) {
  auto database = writer();
  for (const char* key : {"a", "b", "c", "d"}) ASSERT_TRUE(database.store(key, key));
  ASSERT_TRUE(database.commit());
  const auto size = std::filesystem::file_size(path);
  ASSERT_TRUE(database.store("bb", "new"));
  ASSERT_TRUE(database.store("c", "other"));
  ASSERT_TRUE(*database.erase("a"));
  ASSERT_TRUE(database.abort());
  EXPECT_EQ(content(), (Content{{"a", "a"}, {"b", "b"}, {"c", "c"}, {"d", "d"}}));
  EXPECT_EQ(std::filesystem::file_size(path), size);
  ASSERT_TRUE(database.store("e", "e"));
  ASSERT_TRUE(database.commit());
  EXPECT_EQ(content().size(), 5U);
}

TEST_F(TwoskipWriterTest, AnUnfinishedTransactionGoesWithItsWriter) {
  {
    auto database = writer();
    ASSERT_TRUE(database.store("a", "1"));
  }
  EXPECT_TRUE(content().empty());
}

TEST_F(TwoskipWriterTest, DoesNotWaitForALock) {
  const auto database = writer();
  EXPECT_EQ(failure(path), Errc::busy);
  const auto shared = TwoskipFile::open(path, base::LockMode::shared);
  ASSERT_FALSE(shared);
  EXPECT_EQ(shared.error().code, Errc::busy);
}

TEST_F(TwoskipWriterTest, LocksTheFileThatWasRenamedIntoPlaceNotTheOneBefore) {
  const auto before = [&] {
    struct stat status = {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_ino;
  };
  auto database = writer();
  const auto first = before();
  ASSERT_TRUE(database.store("a", "1"));
  ASSERT_TRUE(database.commit());
  ASSERT_TRUE(database.repack());
  EXPECT_NE(before(), first);
  EXPECT_EQ(failure(path), Errc::busy);  // the new file is locked too
  ASSERT_TRUE(database.store("b", "2"));
  ASSERT_TRUE(database.commit());
  EXPECT_EQ(content(), (Content{{"a", "1"}, {"b", "2"}}));
}

TEST_F(TwoskipWriterTest, RefusesOtherKindsOfFiles) {
  testing::write_file(path, "user.ann%\tI 8 (1 2)\n");
  EXPECT_EQ(failure(path), Errc::unsupported);
  testing::write_file(path, std::string("\xa1\x02\x8b\x0dskiplist file\0\0\0", 20) + std::string(80, '\0'));
  EXPECT_EQ(failure(path), Errc::unsupported);
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_EQ(failure(path), Errc::unsupported);
}

TEST_F(TwoskipWriterTest, RefusesAHeaderThatIsNotRight) {
  writer();
  std::string bytes = testing::read_file(path);
  bytes[39] = 7;
  testing::write_file(path, bytes);
  EXPECT_EQ(failure(path, {.create = true, .damage = TwoskipDamage::rebuild}), Errc::corrupt);
  EXPECT_EQ(testing::read_file(path), bytes);
}

TEST_F(TwoskipWriterTest, RefusesKeysThatNoRecordCanHave) {
  auto database = writer();
  EXPECT_EQ(database.store("", "value").error().code, Errc::invalid);
  const std::string large(TwoskipRecord::kMaxBytes, 'x');
  EXPECT_EQ(database.store("k", large).error().code, Errc::limit);
  EXPECT_EQ(database.store(large + "x", "").error().code, Errc::limit);
  ASSERT_TRUE(database.commit());
  EXPECT_TRUE(content().empty());
}

TEST_F(TwoskipWriterTest, TakesKeysAndValuesOfAnyOctetsAndLength) {
  const std::string nuls("\0\xff\0", 3);
  const Content wanted{{nuls, nuls},
                       {std::string(65534, 'a'), ""},
                       {std::string(65535, 'b'), "x"},
                       {std::string(70000, 'c'), std::string(300000, '\x80')}};
  auto database = writer();
  for (const auto& [key, value] : wanted) ASSERT_TRUE(database.store(key, value));
  ASSERT_TRUE(database.commit());
  EXPECT_EQ(content(), wanted);
  ASSERT_TRUE(database.store(nuls, "replaced"));  // rewrites the heads around, with long lengths too
  ASSERT_TRUE(*database.erase(std::string(65535, 'b')));
  ASSERT_TRUE(database.repack().error().code == Errc::invalid);
  ASSERT_TRUE(database.commit());
  ASSERT_TRUE(database.repack());
  EXPECT_EQ(content().size(), 3U);
}

TEST_F(TwoskipWriterTest, NoHeadSpansTwoBlocks) {
  auto database = writer();
  for (int i = 0; i < 400; ++i)
    ASSERT_TRUE(database.store("key" + std::to_string(i), std::string(static_cast<std::size_t>(i % 97), 'v')));
  ASSERT_TRUE(database.commit());
  const std::string bytes = testing::read_file(path);
  std::uint64_t offset = TwoskipRecord::kFirstOffset;
  const ReadAt read = [&](std::span<unsigned char> into, std::uint64_t at) -> base::Result<std::size_t> {
    return bytes.copy(reinterpret_cast<char*>(into.data()), into.size(), at);
  };
  int records = 0;
  while (offset < bytes.size()) {
    if (bytes.compare(offset, 8, kTwoskipFiller) == 0) {
      offset += 8;
      continue;
    }
    const auto record = read_twoskip_record(read, offset, bytes.size(), "bytes");
    ASSERT_TRUE(record) << record.error().text;
    // The pointers and the head CRC, which are all that changes.
    EXPECT_EQ((offset + 8) / 512, (offset + record->head_size() - 5) / 512) << "record at " << offset;
    offset += record->size();
    ++records;
  }
  EXPECT_EQ(records, 401);
}

TEST_F(TwoskipWriterTest, AFileThatHasDoubledIsRewrittenAfterTheCommit) {
  auto database = writer();
  int commits = 0;
  while (database.header().generation == 1 && commits < 1000) {
    ASSERT_TRUE(database.store("key" + std::to_string(commits % 7), std::to_string(commits)));
    ASSERT_TRUE(database.commit());
    ++commits;
  }
  EXPECT_GT(commits, 100);
  EXPECT_EQ(database.header().generation, 2U);
  EXPECT_EQ(database.header().repack_size, std::filesystem::file_size(path));
  EXPECT_LT(database.header().repack_size, 1024U);
  EXPECT_FALSE(has_new_version());
  EXPECT_EQ(content().size(), 7U);
}

TEST_F(TwoskipWriterTest, ARewrittenFileKeepsItsModeAndNeedsNoFreeName) {
  auto database = writer();
  ASSERT_TRUE(database.store("a", "1"));
  ASSERT_TRUE(database.commit());
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  testing::write_file(path.native() + ".NEW", "left by a crash");
  ASSERT_TRUE(database.repack());
  struct stat status = {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
  EXPECT_EQ(content(), (Content{{"a", "1"}}));
}

TEST_F(TwoskipWriterTest, GoesOnWhereAnotherWriterStopped) {
  testing::TwoskipBuilder builder;
  builder.store("b", "old", 3);
  builder.store("a", "old", 1);
  builder.commit();
  builder.remove("b");
  builder.commit();
  testing::write_file(path, std::string(builder.bytes().begin(), builder.bytes().end()));
  auto database = TwoskipWriter::open(path);
  ASSERT_TRUE(database) << database.error().text;
  ASSERT_TRUE(database->store("b", "new"));
  ASSERT_TRUE(database->commit());
  EXPECT_EQ(content(), (Content{{"a", "old"}, {"b", "new"}}));
}

// Writes half of one write, and says that it failed.
class HalvingDisk : public TwoskipDisk {
 public:
  explicit HalvingDisk(int failing) : failing_(failing) {}
  base::Result<void> write(int fd, std::span<const unsigned char> bytes, std::uint64_t offset,
                           const std::string& what) override {
    if (writes_++ != failing_) return TwoskipDisk::write(fd, bytes, offset, what);
    static_cast<void>(TwoskipDisk::write(fd, bytes.first(bytes.size() / 2), offset, what));
    return base::fail(Errc::io, what + ": as planned");
  }
  int writes() const { return writes_; }

 private:
  int failing_;
  int writes_ = 0;
};

TEST_F(TwoskipWriterTest, AWriteThatFailsHalfWayLeavesTheLastCommit) {
  for (int failing = 0;; ++failing) {
    std::filesystem::remove(path);
    {
      auto database = writer();
      ASSERT_TRUE(database.store("a", "1") && database.store("b", "2") && database.commit());
    }
    HalvingDisk disk(failing);
    bool done = false;
    {
      auto database = writer(disk);
      done = database.store("aa", "3") && database.erase("b") && database.commit();
    }
    writer();
    EXPECT_EQ(content(), done ? (Content{{"a", "1"}, {"aa", "3"}}) : (Content{{"a", "1"}, {"b", "2"}})) << failing;
    if (disk.writes() <= failing) break;
  }
}

// Where tests/system/twoskip_interop_test.py wants the files that the property leaves; null: nowhere.
const char* keep_for_cyrus() { return std::getenv("PILLARBOX_KEEP_TWOSKIP"); }

// What cyr_dbtool can take on its command line and print.
void make_printable(std::string& value) {
  for (char& c : value) c = static_cast<char>('a' + static_cast<unsigned char>(c) % 26);
}

void keep(const std::filesystem::path& file, const Content& content) {
  static int number = 0;
  const auto kept = std::filesystem::path(keep_for_cyrus()) / std::to_string(number++);
  std::filesystem::copy_file(file, kept.native() + ".db");
  std::ofstream list(kept.native() + ".txt");
  for (const auto& [key, value] : content) list << key << '\t' << value << '\n';
}

// Random transactions against a map: after each commit the reader sees the map, in order.
RC_GTEST_PROP(TwoskipWriterProperty, TheFileHoldsWhatTheTransactionsLeave, ()) {
  const support::TempDirectory directory;
  const auto path = directory.path() / "test.db";
  const auto open = [&] {
    auto opened = TwoskipWriter::open(path, {.create = true});
    if (!opened) RC_FAIL(opened.error().text);
    return std::optional(*std::move(opened));
  };
  auto database = open();
  Content committed;
  Content current;
  const auto key = rc::gen::map(rc::gen::inRange(0, 40), [](int n) {
    return std::string(static_cast<std::size_t>(1 + n / 20), static_cast<char>('a' + n % 20));
  });
  const int steps = *rc::gen::inRange(0, 200);
  for (int i = 0; i < steps; ++i) {
    const int action = *rc::gen::inRange(0, 100);
    if (action < 50) {
      const auto k = *key;
      auto v = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
      if (keep_for_cyrus() != nullptr) make_printable(v);
      RC_ASSERT(database->store(k, v).has_value());
      current[k] = v;
    } else if (action < 75) {
      const auto k = *key;
      const auto erased = database->erase(k);
      RC_ASSERT(erased.has_value());
      RC_ASSERT(*erased == (current.erase(k) == 1));
    } else if (action < 90) {
      RC_ASSERT(database->commit().has_value());
      committed = current;
      const auto found = clean_content(path);
      if (!found) RC_FAIL(found.error().text);
      RC_ASSERT(*found == committed);
    } else if (action < 94) {
      RC_ASSERT(database->abort().has_value());
      current = committed;
    } else if (action < 97) {
      database.reset();  // what is not committed is taken back
      database = open();
      RC_ASSERT(database->repaired() == TwoskipRepair::none);
      current = committed;
    } else {
      RC_ASSERT(database->commit().has_value());
      committed = current;
      RC_ASSERT(database->repack().has_value());
    }
    const auto k = *key;
    const auto value = database->find(k);
    RC_ASSERT(value.has_value() == current.contains(k));
    if (value) RC_ASSERT(*value == current.at(k));
  }
  database.reset();
  const auto found = clean_content(path);
  if (!found) RC_FAIL(found.error().text);
  RC_ASSERT(*found == committed);
  if (keep_for_cyrus() != nullptr) keep(path, committed);
}

}  // namespace
}  // namespace cyrus

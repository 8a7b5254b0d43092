// What a crash can leave: the file after any number of steps of a writer, and of what was not synced any part, because
// a disk keeps pages in whatever order it likes. The step that a rename is comes with the file as it was before and
// after.

#include "cyrus/twoskip_recovery.hpp"

#include "cyrus/twoskip_builder.hpp"
#include "cyrus/twoskip_support.hpp"
#include "cyrus/twoskip_writer.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <csignal>
#include <functional>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <sys/resource.h>
#include <vector>

namespace cyrus {
namespace {

using base::Errc;
using testing::clean_content;
using testing::Content;
using testing::read_file;
using testing::RecordingDisk;
using testing::TwoskipBuilder;
using testing::write_file;

std::string text(const std::vector<unsigned char>& bytes) { return {bytes.begin(), bytes.end()}; }

// On the file that has the name.
void perform(std::string& file, const RecordingDisk::Step& step) {
  if (const auto* write = std::get_if<RecordingDisk::Write>(&step)) {
    if (write->beside) return;
    if (file.size() < write->offset + write->bytes.size()) file.resize(write->offset + write->bytes.size());
    file.replace(write->offset, write->bytes.size(), write->bytes);
  } else if (const auto* cut = std::get_if<RecordingDisk::Truncate>(&step)) {
    file.resize(cut->size);
  } else if (const auto* rename = std::get_if<RecordingDisk::Rename>(&step)) {
    file = rename->from;
  }
}

// A new version is synced before it gets the name, and the directory after: this too ends what can be lost.
bool is_sync(const RecordingDisk::Step& step) {
  if (const auto* sync = std::get_if<RecordingDisk::Sync>(&step)) return !sync->beside;
  return std::holds_alternative<RecordingDisk::SyncDirectory>(step);
}

// What can be on the disk when the power fails after `count` of the steps: what was synced, and of the rest any part. A
// few of these by chance, the two extremes among them, and the last write torn at the border of a block.
std::vector<std::string> states_after(const std::string& before, const std::vector<RecordingDisk::Step>& steps,
                                      std::size_t count, std::minstd_rand& random) {
  std::string synced = before;
  std::size_t first_unsynced = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_sync(steps[i])) continue;
    for (; first_unsynced < i; ++first_unsynced) perform(synced, steps[first_unsynced]);
  }
  std::vector<std::string> states;
  for (int variant = 0; variant < 8; ++variant) {
    std::string state = synced;
    for (std::size_t i = first_unsynced; i < count; ++i) {
      const bool kept = variant == 0 || (variant != 1 && random() / 2 % 2 == 0);
      if (kept) perform(state, steps[i]);
    }
    states.push_back(std::move(state));
  }
  const auto* write = count == 0 ? nullptr : std::get_if<RecordingDisk::Write>(&steps[count - 1]);
  if (write == nullptr || write->beside) return states;
  const std::uint64_t border = (write->offset / 512 + 1) * 512;
  if (border < write->offset + write->bytes.size()) {
    std::string state = synced;
    for (std::size_t i = first_unsynced; i + 1 < count; ++i) perform(state, steps[i]);
    perform(state, RecordingDisk::Write{write->offset, write->bytes.substr(0, border - write->offset)});
    states.push_back(std::move(state));
  }
  return states;
}

// What the next writer makes of a file of these bytes. It must also be able to go on with it.
base::Result<Content> recovered(const std::filesystem::path& path, const std::string& bytes,
                                TwoskipDamage damage = TwoskipDamage::refuse) {
  write_file(path, bytes);
  RecordingDisk disk;
  auto opened = TwoskipWriter::open(path, {.create = false, .damage = damage, .disk = &disk});
  if (!opened) return tl::unexpected(opened.error());
  auto found = clean_content(path);
  if (!found) return found;
  const std::string file = read_file(path);
  for (const char* key : {"k", "kl0", "zz"}) {
    if (auto done = opened->store(key, std::string(300, '-')); !done) return tl::unexpected(done.error());
  }
  if (auto done = opened->commit(); !done) return tl::unexpected(done.error());
  auto after = clean_content(path);
  if (!after) return after;
  for (const char* key : {"k", "kl0", "zz"}) after->erase(key);
  if (*after != *found) return base::fail(Errc::corrupt, "the next transaction changed other keys");
  write_file(path, file);
  return found;
}

struct Change {
  std::string key;
  std::optional<std::string> value;  // nullopt: erase
};

base::Result<void> make(TwoskipWriter& database, const std::vector<Change>& changes) {
  for (const auto& change : changes) {
    if (change.value) {
      if (auto done = database.store(change.key, *change.value); !done) return done;
    } else if (auto done = database.erase(change.key); !done) {
      return tl::unexpected(done.error());
    }
  }
  return database.commit();
}

void make(Content& content, const std::vector<Change>& changes) {
  for (const auto& change : changes) {
    if (change.value) {
      content[change.key] = *change.value;
    } else {
      content.erase(change.key);
    }
  }
}

std::vector<Change> some_changes() {
  const auto change = rc::gen::build<Change>(
      rc::gen::set(&Change::key, rc::gen::map(rc::gen::inRange(0, 24),
                                              [](int n) { return "k" + std::string(1, static_cast<char>('a' + n)); })),
      rc::gen::set(&Change::value, rc::gen::map(rc::gen::inRange(-150, 300), [](int n) {
        return n < 0 ? std::nullopt : std::optional(std::string(static_cast<std::size_t>(n), 'v'));
      })));
  const auto count = *rc::gen::inRange<std::size_t>(0, 16);
  return *rc::gen::container<std::vector<Change>>(count, change);
}

// A file with some history, and its content.
Content fill(const std::filesystem::path& path) {
  Content content;
  RecordingDisk disk;
  auto database = TwoskipWriter::open(path, {.create = true, .damage = TwoskipDamage::refuse, .disk = &disk});
  if (!database) RC_FAIL(database.error().text);
  const int transactions = *rc::gen::inRange(0, 8);
  for (int i = 0; i < transactions; ++i) {
    const auto some = some_changes();
    RC_ASSERT(make(*database, some).has_value());
    make(content, some);
  }
  return content;
}

RC_GTEST_PROP(TwoskipCrash, APowerFailureLeavesTheStateBeforeOrAfterATransaction, ()) {
  const support::TempDirectory directory;
  const auto path = directory.path() / "test.db";
  const Content before = fill(path);
  Content after = before;
  const auto transaction = some_changes();
  make(after, transaction);
  const std::string old_file = read_file(path);
  RecordingDisk disk;
  {
    auto database = TwoskipWriter::open(path, {.create = false, .damage = TwoskipDamage::refuse, .disk = &disk});
    RC_ASSERT(database.has_value());
    RC_ASSERT(make(*database, transaction).has_value());
  }
  std::minstd_rand random(*rc::gen::inRange(1U, 1'000'000U));
  for (std::size_t count = 0; count <= disk.steps.size(); ++count) {
    for (const auto& state : states_after(old_file, disk.steps, count, random)) {
      const auto found = recovered(path, state);
      if (!found) RC_FAIL("after step " + std::to_string(count) + ": " + found.error().text);
      RC_ASSERT(*found == before || *found == after);
      // Acknowledged is durable.
      if (count == disk.steps.size()) RC_ASSERT(*found == after);
    }
  }
}

RC_GTEST_PROP(TwoskipCrash, APowerFailureDuringRecoveryOrAbortLosesNothing, ()) {
  const support::TempDirectory directory;
  const auto path = directory.path() / "test.db";
  const Content before = fill(path);
  const auto transaction = some_changes();
  RecordingDisk disk;
  const std::string clean_file = read_file(path);
  {
    auto database = TwoskipWriter::open(path, {.create = false, .damage = TwoskipDamage::refuse, .disk = &disk});
    RC_ASSERT(database.has_value());
    for (const auto& change : transaction) {
      if (change.value) RC_ASSERT(database->store(change.key, *change.value).has_value());
      if (!change.value) RC_ASSERT(database->erase(change.key).has_value());
    }
    RC_ASSERT(database->abort().has_value());
  }
  std::minstd_rand random(*rc::gen::inRange(1U, 1'000'000U));
  for (std::size_t count = 0; count <= disk.steps.size(); ++count) {
    for (const auto& state : states_after(clean_file, disk.steps, count, random)) {
      const auto found = recovered(path, state);
      if (!found) RC_FAIL("after step " + std::to_string(count) + ": " + found.error().text);
      RC_ASSERT(*found == before);
    }
  }
}

RC_GTEST_PROP(TwoskipCrash, AStepThatFailsLeavesAFileThatTheNextWriterRecovers, ()) {
  const support::TempDirectory directory;
  const auto path = directory.path() / "test.db";
  const Content before = fill(path);
  Content after = before;
  const auto transaction = some_changes();
  make(after, transaction);
  const std::string old_file = read_file(path);
  std::size_t steps = 1;
  for (std::size_t failing = 0; failing < steps; ++failing) {
    for (const bool stay_broken : {false, true}) {
      write_file(path, old_file);
      RecordingDisk disk;
      disk.fail_at = failing;
      disk.stay_broken = stay_broken;
      bool acknowledged = false;
      {
        auto database = TwoskipWriter::open(path, {.create = false, .damage = TwoskipDamage::refuse, .disk = &disk});
        RC_ASSERT(database.has_value());
        acknowledged = make(*database, transaction).has_value();
        if (!acknowledged) RC_ASSERT(!database->store("another", "one").has_value());
      }
      steps = std::max(steps, disk.steps.size());
      const auto found = recovered(path, read_file(path));
      if (!found) RC_FAIL("step " + std::to_string(failing) + " failed: " + found.error().text);
      RC_ASSERT(*found == after || (!acknowledged && *found == before));
    }
  }
}

RC_GTEST_PROP(TwoskipCrash, ARewritingThatFailsLeavesTheDatabase, ()) {
  const support::TempDirectory directory;
  const auto path = directory.path() / "test.db";
  const Content content = fill(path);
  const std::string old_file = read_file(path);
  std::size_t steps = 1;
  for (std::size_t failing = 0; failing < steps; ++failing) {
    write_file(path, old_file);
    RecordingDisk disk;
    disk.fail_at = failing;
    {
      auto database = TwoskipWriter::open(path, {.create = false, .damage = TwoskipDamage::refuse, .disk = &disk});
      RC_ASSERT(database.has_value());
      RC_ASSERT(!database->repack().has_value());
    }
    const bool renamed = std::holds_alternative<RecordingDisk::SyncDirectory>(disk.steps.back());
    steps = renamed ? failing + 1 : failing + 2;
    RC_ASSERT(!std::filesystem::exists(path.native() + ".NEW"));
    const auto found = clean_content(path);
    if (!found) RC_FAIL(found.error().text);
    RC_ASSERT(*found == content);
    RC_ASSERT(renamed == (read_file(path) != old_file));
  }
  RC_ASSERT(steps == 4U);  // write, sync, rename, sync of the directory
}

TEST(TwoskipRewriting, IsSyncedBeforeItHasTheName) {
  const support::TempDirectory directory;
  const auto path = directory.path() / "test.db";
  RecordingDisk disk;
  auto database = TwoskipWriter::open(path, {.create = true, .damage = TwoskipDamage::refuse, .disk = &disk});
  ASSERT_TRUE(database);
  ASSERT_TRUE(database->store("a", "1"));
  ASSERT_TRUE(database->commit());
  disk.steps.clear();
  ASSERT_TRUE(database->repack());
  ASSERT_EQ(disk.steps.size(), 4U);
  const auto* written = std::get_if<RecordingDisk::Write>(&disk.steps[0]);
  ASSERT_NE(written, nullptr);
  const auto* sync = std::get_if<RecordingDisk::Sync>(&disk.steps[1]);
  ASSERT_NE(sync, nullptr);
  EXPECT_TRUE(sync->beside);
  const auto* rename = std::get_if<RecordingDisk::Rename>(&disk.steps[2]);
  ASSERT_NE(rename, nullptr);
  EXPECT_EQ(rename->from, written->bytes);
  EXPECT_EQ(*clean_content(rename->from), (Content{{"a", "1"}}));
  EXPECT_TRUE(std::holds_alternative<RecordingDisk::SyncDirectory>(disk.steps[3]));
}

// Three transactions in a file of another writer.
TwoskipBuilder history() {
  TwoskipBuilder builder;
  builder.store("a", "1", 2);
  builder.store("b", "1", 1);
  builder.store("c", "1", 3);
  builder.commit();
  builder.store("b", "2", 2);
  builder.remove("c");
  builder.commit();
  builder.store("d", "3", 1);
  builder.commit();
  return builder;
}

class TwoskipRecovery : public ::testing::Test {
 protected:
  // The offset of the record that holds this key and value.
  static std::size_t record_of(const std::string& bytes, const std::string& key, const std::string& value) {
    const ReadAt read = [&](std::span<unsigned char> into, std::uint64_t at) -> base::Result<std::size_t> {
      return at >= bytes.size() ? 0 : bytes.copy(reinterpret_cast<char*>(into.data()), into.size(), at);
    };
    for (std::size_t at = TwoskipRecord::kFirstOffset; at < bytes.size(); at += 8) {
      const auto record = read_twoskip_record(read, at, bytes.size(), "bytes");
      if (record && record->item.key == key && record->item.value == value) return at;
    }
    ADD_FAILURE() << "no record of " << key;
    return 0;
  }
  static void set_header(std::string& bytes, const std::function<void(TwoskipHeader&)>& change) {
    std::array<unsigned char, TwoskipHeader::kSize> start{};
    bytes.copy(reinterpret_cast<char*>(start.data()), start.size());
    auto header = parse_twoskip_header(start);
    ASSERT_TRUE(header);
    change(*header);
    const auto encoded = encode_twoskip_header(*header);
    bytes.replace(0, encoded.size(), reinterpret_cast<const char*>(encoded.data()), encoded.size());
  }
  static void set_dirty(std::string& bytes) {
    set_header(bytes, [](TwoskipHeader& header) { header.flags = 1; });
  }

  support::TempDirectory directory;
  std::filesystem::path path = directory.path() / "test.db";
  const Content whole{{"a", "1"}, {"b", "2"}, {"d", "3"}};
};

TEST_F(TwoskipRecovery, CutsOffWhatIsBehindTheCommittedEndAndCountsAnew) {
  std::string bytes = text(history().bytes());
  const std::size_t end = bytes.size();
  set_header(bytes, [](TwoskipHeader& header) {
    header.flags = 1;
    header.record_count = 77;
  });
  const auto found = recovered(path, bytes + std::string(1000, 'x'));
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(*found, whole);
  EXPECT_EQ(std::filesystem::file_size(path), end);
}

TEST_F(TwoskipRecovery, ACleanFileIsLeftAlone) {
  const std::string bytes = text(history().bytes());
  const auto found = recovered(path, bytes);
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(read_file(path), bytes);
}

TEST_F(TwoskipRecovery, EachStateOfAnUnfinishedTransactionOfAnotherWriterIsMended) {
  TwoskipBuilder builder = history();
  builder.store("aa", "4", 5);
  builder.store("a", "4", 1);
  builder.remove("d");
  builder.store("d", "5", 3);
  int states = 0;
  for (const auto& state : builder.states()) {
    const auto found = recovered(path, text(state));
    ASSERT_TRUE(found) << found.error().text;
    EXPECT_EQ(*found, whole);
    ++states;
  }
  EXPECT_GT(states, 8);
}

TEST_F(TwoskipRecovery, AHigherListThatMissesRecordsIsMended) {
  std::string bytes = text(history().bytes());
  // The dummy, all of whose short cuts are gone.
  const ReadAt read = [&](std::span<unsigned char> into, std::uint64_t at) -> base::Result<std::size_t> {
    return bytes.copy(reinterpret_cast<char*>(into.data()), into.size(), at);
  };
  auto dummy = read_twoskip_record(read, TwoskipRecord::kDummyOffset, bytes.size(), "bytes");
  ASSERT_TRUE(dummy);
  ASSERT_NE(dummy->pointers[2], 0U);
  const auto right = dummy->pointers;
  std::fill(dummy->pointers.begin() + 2, dummy->pointers.end(), 0);
  const auto head = encode_twoskip_head(*dummy);
  bytes.replace(TwoskipRecord::kDummyOffset, head.size(), reinterpret_cast<const char*>(head.data()), head.size());
  set_dirty(bytes);
  ASSERT_TRUE(recovered(path, bytes));
  bytes = read_file(path);
  EXPECT_EQ(read_twoskip_record(read, TwoskipRecord::kDummyOffset, bytes.size(), "bytes")->pointers, right);
}

TEST_F(TwoskipRecovery, PointersAreSyncedBeforeTheCutAndTheCutBeforeTheHeader) {
  TwoskipBuilder builder = history();
  builder.store("aa", "4", 5);
  write_file(path, text(builder.bytes()));
  RecordingDisk disk;
  ASSERT_TRUE(TwoskipWriter::open(path, {.create = false, .damage = TwoskipDamage::refuse, .disk = &disk}));
  std::string order;
  for (const auto& step : disk.steps) {
    const auto* write = std::get_if<RecordingDisk::Write>(&step);
    if (write != nullptr && write->offset > 0 && order == "p") continue;  // any number of them
    order += write != nullptr ? (write->offset == 0 ? 'h' : 'p') : is_sync(step) ? 's' : 'c';
  }
  EXPECT_EQ(order, "pscshs");
}

TEST_F(TwoskipRecovery, ABrokenRecordIsNotPassedOverUnasked) {
  std::string bytes = text(history().bytes());
  bytes[record_of(bytes, "b", "2") + 40] ^= 1;
  set_dirty(bytes);
  const auto found = recovered(path, bytes);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::corrupt);
  EXPECT_EQ(read_file(path), bytes);
}

TEST_F(TwoskipRecovery, ARebuildingDropsTheTransactionOfTheBrokenRecordOnly) {
  std::string bytes = text(history().bytes());
  bytes[record_of(bytes, "b", "2") + 40] ^= 1;
  set_dirty(bytes);
  write_file(path, bytes);
  {
    const auto opened = TwoskipWriter::open(path, {.create = false, .damage = TwoskipDamage::rebuild});
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_EQ(opened->repaired(), TwoskipRepair::rebuilt);
    EXPECT_EQ(opened->header().generation, 2U);
  }
  EXPECT_EQ(*clean_content(path), (Content{{"a", "1"}, {"b", "1"}, {"c", "1"}, {"d", "3"}}));
  EXPECT_FALSE(std::filesystem::exists(path.native() + ".NEW"));
}

TEST_F(TwoskipRecovery, ARebuildingRepeatsRemovals) {
  std::string bytes = text(history().bytes());
  bytes[record_of(bytes, "d", "3") + 32] ^= 1;
  set_dirty(bytes);
  const auto found = recovered(path, bytes, TwoskipDamage::rebuild);
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(*found, (Content{{"a", "1"}, {"b", "2"}}));
}

TEST_F(TwoskipRecovery, ARebuildingOfATruncatedFileKeepsItsWholeTransactions) {
  const std::string bytes = text(history().bytes());
  const auto found = recovered(path, bytes.substr(0, bytes.size() - 16), TwoskipDamage::rebuild);
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(*found, (Content{{"a", "1"}, {"b", "2"}}));
}

TEST_F(TwoskipRecovery, ACacheThatCannotBeMendedBeginsAnew) {
  std::string bytes = text(history().bytes());
  bytes[record_of(bytes, "b", "2") + 40] ^= 1;
  set_dirty(bytes);
  const auto found = recovered(path, bytes, TwoskipDamage::clear);
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_TRUE(found->empty());
  bytes[40] ^= 1;  // the header too
  EXPECT_TRUE(recovered(path, bytes, TwoskipDamage::clear)->empty());
}

TEST_F(TwoskipRecovery, AValueThatLooksLikeATransactionIsNotReplayed) {
  // The value holds a whole transaction, at just the offsets that it will have, written by somebody who knows the file.
  TwoskipBuilder plain;
  plain.store("a", "1", 1);
  plain.commit();
  const std::uint64_t start = plain.bytes().size();
  constexpr std::uint64_t kHead = 32;
  std::string forged;
  {
    auto record = TwoskipRecord::make(TwoskipRecord::kAdd, 1, TwoskipItem{"evil!!!!", "value!!!"});
    const auto encoded = encode_twoskip_record(record);
    forged.append(encoded.begin(), encoded.end());
    auto commit = TwoskipRecord::make(TwoskipRecord::kCommit, 0, {});
    for (const std::uint64_t begin : {start, start + kHead + 8}) {
      commit.pointers[0] = begin;
      const auto end = encode_twoskip_record(commit);
      forged.append(end.begin(), end.end());
    }
  }
  plain.store("mail8888", forged, 1);
  plain.commit();
  plain.store("z", "26", 1);
  plain.commit();
  std::string bytes = text(plain.bytes());
  bytes[record_of(bytes, "mail8888", forged) + 1] ^= 2;
  set_dirty(bytes);
  const auto found = recovered(path, bytes, TwoskipDamage::rebuild);
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(*found, (Content{{"a", "1"}, {"z", "26"}}));
}

RC_GTEST_PROP(TwoskipBitFlips, AFlippedBitIsAnErrorOrChangesNothing, ()) {
  const support::TempDirectory directory;
  const auto path = directory.path() / "test.db";
  const Content content = fill(path);
  const std::string good = read_file(path);
  for (int i = 0; i < 40; ++i) {
    std::string bytes = good;
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << *rc::gen::inRange(0, 8)));
    write_file(path, bytes);
    RecordingDisk disk;
    auto database = TwoskipWriter::open(path, {.create = false, .damage = TwoskipDamage::refuse, .disk = &disk});
    if (!database) continue;
    for (const auto& [key, value] : content) {
      const auto found = database->find(key);
      RC_ASSERT(!found || *found == value);
      RC_ASSERT(found || found.error().code != Errc::not_found);
    }
    // Whatever is then written must not harm what can still be read.
    const auto changed = database->store("kzz", "new");
    if (changed) RC_ASSERT(database->commit().has_value());
    for (const auto& [key, value] : content) {
      const auto found = database->find(key);
      RC_ASSERT(!found || *found == value);
    }
  }
}

RC_GTEST_PROP(TwoskipBitFlips, ARebuildingNeverInventsValues, ()) {
  const support::TempDirectory directory;
  const auto path = directory.path() / "test.db";
  std::map<std::string, std::set<std::string>> ever;
  {
    RecordingDisk disk;
    auto database = TwoskipWriter::open(path, {.create = true, .damage = TwoskipDamage::refuse, .disk = &disk});
    RC_ASSERT(database.has_value());
    for (int i = 0; i < 5; ++i) {
      const auto some = some_changes();
      RC_ASSERT(make(*database, some).has_value());
      for (const auto& change : some) {
        if (change.value) ever[change.key].insert(*change.value);
      }
    }
  }
  const std::string good = read_file(path);
  for (int i = 0; i < 20; ++i) {
    std::string bytes = good;
    const int flips = *rc::gen::inRange(1, 4);
    for (int flip = 0; flip < flips && bytes.size() > 80; ++flip) {
      const auto at = *rc::gen::inRange<std::size_t>(64, bytes.size());
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << *rc::gen::inRange(0, 8)));
    }
    const auto found = recovered(path, bytes + "unclean", TwoskipDamage::rebuild);
    if (!found) continue;
    for (const auto& [key, value] : *found) RC_ASSERT(ever.contains(key) && ever.at(key).contains(value));
  }
}

// A limit of the system instead of a made-up one: the file cannot grow.
TEST(TwoskipFailure, AFileThatMayNotGrowKeepsItsContent) {
  const support::TempDirectory directory;
  const auto path = directory.path() / "test.db";
  auto database = TwoskipWriter::open(path, {.create = true});
  ASSERT_TRUE(database);
  ASSERT_TRUE(database->store("a", "1"));
  ASSERT_TRUE(database->commit());

  struct rlimit old = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small = {2000, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto stored = database->store("b", std::string(5000, 'b'));
  const auto committed = database->commit();
  const auto aborted = database->abort();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, old_handler);

  EXPECT_FALSE(stored);
  EXPECT_FALSE(committed);
  EXPECT_TRUE(aborted);
  EXPECT_EQ(*clean_content(path), (Content{{"a", "1"}}));
}

}  // namespace
}  // namespace cyrus

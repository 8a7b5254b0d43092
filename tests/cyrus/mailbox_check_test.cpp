#include "cyrus/mailbox_check.hpp"

#include "base/byte_order.hpp"
#include "base/crc32.hpp"
#include "base/file_io.hpp"
#include "config/imapd_conf.hpp"
#include "cyrus/mailbox_lock.hpp"
#include "cyrus/quota_check.hpp"
#include "cyrus/store_check.hpp"
#include "cyrus/twoskip_reader.hpp"
#include "support/sample_store.hpp"
#include "support/store_checker.hpp"
#include "support/tree_contents.hpp"
#include "support/twoskip_writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

// The stores are those of real Cyrus; what is damaged here is damaged by hand.

namespace cyrus {
namespace {

namespace fs = std::filesystem;

StoreConfig config_of(const support::SampleStore& sample) {
  return store_config(config::ImapdConf::load(sample.imapd_conf(), "").value()).value();
}

/// Everything that the check of a whole store says.
std::vector<Problem> check_all(const StoreConfig& config, bool deep = false) {
  const MailboxList mailboxes(config);
  std::vector<Problem> problems;
  const auto listed = list_store(mailboxes, problems);
  if (!listed) throw std::runtime_error(listed.error().text);
  std::map<std::string, int> roots;
  for (const auto& record : *listed) {
    auto report = check_mailbox(record.name, config, mailboxes, CheckOptions{deep}, [] {});
    if (!report) {
      problems.push_back(Problem{record.name.intname(), 0, report.error().text});
      continue;
    }
    if (!report->quota_root.empty()) roots[report->quota_root] += 1;
    for (Problem& problem : report->problems) problems.push_back(std::move(problem));
  }
  for (const auto& [root, count] : roots) {
    const auto done = check_quota_root(root, *listed, config, mailboxes, problems);
    if (!done) throw std::runtime_error(done.error().text);
  }
  if (const auto done = find_stray_directories(*listed, config, mailboxes, problems); !done) {
    throw std::runtime_error(done.error().text);
  }
  return problems;
}

std::vector<std::string> texts(const std::vector<Problem>& problems) {
  std::vector<std::string> lines;
  for (const Problem& problem : problems) lines.push_back((problem.harmless ? "note: " : "") + problem.text);
  return lines;
}

using Lines = std::vector<std::string>;

TEST(MailboxCheck, FindsNothingInStoresOfRealCyrusAndChangesNothing) {
  for (const char* name :
       {"cyrus361-one", "cyrus361-uuid", "cyrus361-legacy-conv", "cyrus3121-uuid", "cyrus-v20-uuid"}) {
    const support::SampleStore sample(name);
    const StoreConfig config = config_of(sample);
    const auto before = support::tree_contents(sample.root() / "spool");
    EXPECT_EQ(texts(check_all(config, true)), Lines{}) << name;
    EXPECT_EQ(support::tree_contents(sample.root() / "spool"), before) << name;
  }
}

class DamagedMailboxTest : public ::testing::Test {
 protected:
  DamagedMailboxTest() : config_(config_of(sample_)), files_(support::mailbox_files(config_, "user.bob")) {}

  Lines found(bool deep = false) const { return texts(check_all(config_, deep)); }
  bool has_problem() const {
    const auto problems = check_all(config_);
    return std::ranges::any_of(problems, [](const Problem& problem) { return !problem.harmless; });
  }

  /// Of an index that cannot be taken apart it throws.
  bool independent_checker_complains() const {
    try {
      return !support::check_store(config_).empty();
    } catch (const std::runtime_error&) {
      return true;
    }
  }

  static std::string read(const fs::path& file) { return base::read_file(file, 1'000'000).value(); }
  static void write(const fs::path& file, const std::string& bytes) {
    fs::remove(file);  // message files are hard links: the other mailbox keeps its own
    std::ofstream(file, std::ios::binary) << bytes;
  }

  /// Changes a bit of the header or of a record, with or without a CRC that fits.
  void change_index(std::size_t at, bool with_crc) const {
    std::string bytes = read(files_.index);
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    const std::size_t begin = at < 160 ? 0 : (at - 160) / 112 * 112 + 160;
    const std::size_t size = at < 160 ? 160 : 112;
    const std::span piece(reinterpret_cast<unsigned char*>(bytes.data()) + begin, size);
    if (with_crc) base::store_be32(piece, size - 4, base::crc32(piece.first(size - 4)));
    std::ofstream(files_.index, std::ios::binary) << bytes;
  }

  fs::path cache() const { return files_.data_directory / "cyrus.cache"; }

  support::SampleStore sample_{"cyrus361-uuid"};
  StoreConfig config_;
  support::MailboxFiles files_;
};

// The checker of tests/support is written from the tables of doc/format, without a line of src/cyrus. Here the two are
// held against each other, so that neither can be wrong alone.
TEST_F(DamagedMailboxTest, AgreesWithTheIndependentCheckerOnEveryByteOfTheIndex) {
  const std::size_t size = fs::file_size(files_.index);
  for (const bool with_crc : {true, false}) {
    for (std::size_t at = 3; at < size; at += with_crc ? 4 : 52) {
      // Places of cache records, and what mailboxes.db says too, are no business of the other checker.
      const std::size_t in_record = at < 160 ? 0 : (at - 160) % 112;
      const bool ours_only = with_crc && (in_record == 27 || in_record == 107 || at == 47);
      change_index(at, with_crc);
      const bool other = independent_checker_complains();
      EXPECT_EQ(has_problem(), other || ours_only) << "octet " << at << (with_crc ? "" : ", CRC not fixed");
      change_index(at, with_crc);
    }
  }
  EXPECT_EQ(found(), Lines{});
}

TEST_F(DamagedMailboxTest, NamesTheMessageAndTheNumber) {
  change_index(160 + 15, true);  // size of UID 1
  const Lines lines = found();
  EXPECT_NE(std::ranges::find(lines, "1.: UID 1: has 480 octets, cyrus.index says 481"), lines.end())
      << ::testing::PrintToString(lines);
  EXPECT_NE(std::ranges::find(lines, "cyrus.index: quota_mailbox_used is 926, should be 927"), lines.end());
}

TEST_F(DamagedMailboxTest, FindsEveryDamagedCacheRecord) {
  const std::string good = read(cache());
  for (const std::size_t at : {std::size_t{4}, std::size_t{20}, good.size() - 6}) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write(cache(), bytes);
    EXPECT_EQ(found().size(), 1u) << at;
    EXPECT_TRUE(has_problem());
  }
  write(cache(), good.substr(0, good.size() - 4));
  EXPECT_EQ(found(), Lines{"cyrus.cache: UID 2: SUBJECT: the file ends within it"});
  fs::remove(cache());
  EXPECT_EQ(found().size(), 2u);
}

TEST_F(DamagedMailboxTest, FindsWhatIsWrongWithMessageFiles) {
  const fs::path file = files_.data_directory / "1.";
  const std::string good = read(file);
  std::string changed = good;
  changed.back() = '!';
  write(file, changed);
  EXPECT_EQ(found(), Lines{});
  EXPECT_EQ(found(true), Lines{"1.: UID 1: is not what was delivered: another SHA-1"});
  write(file, good + "!");
  EXPECT_EQ(found(), Lines{"1.: UID 1: has 481 octets, cyrus.index says 480"});
  fs::remove(file);
  EXPECT_EQ(found(), Lines{"1.: UID 1: is missing"});
  fs::create_symlink("/etc/passwd", file);
  EXPECT_EQ(found(), Lines{"1.: UID 1: is not a regular file"});
}

TEST_F(DamagedMailboxTest, FindsFilesThatBelongToNothing) {
  write(files_.data_directory / "3.", "x");
  write(files_.data_directory / "core", "x");
  write(files_.data_directory / "cyrus.index.NEW", "x");
  std::ofstream(files_.index, std::ios::app) << "half a record";
  Lines lines = found();
  std::ranges::sort(lines);
  EXPECT_EQ(lines, (Lines{"3.: UID 3: has no record in cyrus.index", "note: core: not a file of a mailbox",
                          "note: cyrus.index.NEW: was left unfinished",
                          "note: cyrus.index: 13 octets behind the last record, of an append that was cut short"}));
}

TEST_F(DamagedMailboxTest, FindsDirectoriesThatBelongToNothing) {
  const fs::path stray = config_.partitions.at("default") / "uuid" / "z" / "z" / "zzz";
  fs::create_directories(stray);
  EXPECT_EQ(found(), Lines{});
  write(stray / "1.", "x");
  EXPECT_EQ(found(), Lines{stray.native() + ": files of a mailbox, but no mailbox of mailboxes.db"});
}

TEST_F(DamagedMailboxTest, FindsAHeaderFileThatIsNotItsOwn) {
  const std::string good = read(files_.header);
  write(files_.header, read(support::mailbox_files(config_, "user.alice").header));
  EXPECT_GE(found().size(), 3u);  // uniqueid, name, access list, CRC
  write(files_.header, good.substr(0, 50));
  EXPECT_TRUE(has_problem());
  fs::remove(files_.header);
  EXPECT_TRUE(has_problem());
}

TEST_F(DamagedMailboxTest, SaysOfAMissingOrTornIndexThatItIs) {
  const std::string good = read(files_.index);
  for (const std::string& bytes : {std::string(), good.substr(0, 100), good.substr(0, good.size() - 1)}) {
    write(files_.index, bytes);
    EXPECT_TRUE(has_problem());
  }
  fs::remove(files_.index);
  EXPECT_TRUE(has_problem());
}

TEST_F(DamagedMailboxTest, FindsAQuotaThatDoesNotFit) {
  const auto file = config_.config_directory / "quota/b/user.bob";
  for (const char* text :
       {"%(S (925 1000) M (2 50) AS (0) NF (1) MODSEQ 4)\n", "%(S (926) M (3) AS (0) NF (1))\n",
        "%(S (926) M (2) AS (1) NF (1))\n", "%(S (926) M (2) AS (0) NF (2))\n", "925 1000\n", "nonsense"}) {
    std::ofstream(file) << text;
    EXPECT_EQ(found().size(), 1u) << text;
  }
  std::ofstream(file) << "926 1000\n";  // an old one that counts octets only
  EXPECT_EQ(found(), Lines{});
  fs::remove(file);
  EXPECT_EQ(found(), Lines{});
}

TEST_F(DamagedMailboxTest, IsBusyWhereSomebodyWritesAndDoesNotWait) {
  const MailboxList mailboxes(config_);
  const auto name = MailboxName::from_intname("user.bob").value();
  const auto lock = MailboxLock::lock_user(name, config_, base::LockMode::exclusive);
  ASSERT_TRUE(lock);
  const auto report = check_mailbox(name, config_, mailboxes, {}, [] {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, base::Errc::busy);
}

/// mailboxes.db with its records changed by hand.
class DamagedListTest : public DamagedMailboxTest {
 protected:
  DamagedListTest() {
    const std::string bytes = read(config_.mailboxes_db);
    const ReadAt reader = [&bytes](std::span<unsigned char> into, std::uint64_t offset) -> base::Result<std::size_t> {
      if (offset >= bytes.size()) return std::size_t{0};
      const std::size_t count = std::min<std::size_t>(into.size(), bytes.size() - offset);
      std::memcpy(into.data(), bytes.data() + offset, count);
      return count;
    };
    const auto database = TwoskipReader::open(reader, bytes.size(), "mailboxes.db").value();
    const auto walked = database.walk([&](TwoskipItem&& item) {
      records_[item.key] = item.value;
      return true;
    });
    if (!walked) throw std::runtime_error(walked.error().text);
    bob_ = std::string("Nuser\x1f") + "bob";
    const std::string& value = records_.at(bob_);
    const auto at = value.find(" I ") + 3;
    bob_id_ = "I" + value.substr(at, value.find(' ', at) - at);
  }

  void save() {
    support::Random random(1);
    write(config_.mailboxes_db, support::twoskip_bytes(records_, random));
  }

  std::map<std::string, std::string> records_;
  std::string bob_;
  std::string bob_id_;
};

TEST_F(DamagedListTest, IsContentWithAFileThatSaysTheSame) {
  save();
  EXPECT_EQ(found(), Lines{});
}

TEST_F(DamagedListTest, MissesARecordByUniqueid) {
  records_.erase(bob_id_);
  save();
  EXPECT_TRUE(has_problem());
}

TEST_F(DamagedListTest, MissesARecordByName) {
  records_.erase(bob_);
  save();
  const Lines lines = found();  // and now the directory belongs to nothing
  EXPECT_EQ(lines.size(), 2u) << ::testing::PrintToString(lines);
}

TEST_F(DamagedListTest, NoticesRecordsThatContradict) {
  std::string& value = records_.at(bob_id_);
  value.replace(value.find("bob"), 3, "eve");
  save();
  EXPECT_TRUE(has_problem());
}

TEST_F(DamagedListTest, NoticesARecordThatCannotBeRead) {
  records_.at(bob_) = "%(T e";
  save();
  EXPECT_TRUE(has_problem());
}

}  // namespace
}  // namespace cyrus

#include "cyrus/snapshot.hpp"

#include "base/file_io.hpp"
#include "base/file_lock.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "cyrus/store.hpp"
#include "support/store_maker.hpp"
#include "support/temp_directory.hpp"
#include "support/tree_contents.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <vector>

// Stores that tests/support/store_maker.hpp makes at random are read back as they were written.

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using maildrop::Access;
using maildrop::MessageNumber;
using support::MadeMailbox;
using support::MadeMessage;
using support::StoreMaker;
using support::StoreShape;

const base::Log kNoLog([](base::Severity, std::string_view) {});

/// The messages of a made mailbox that POP3 shows.
std::vector<MadeMessage> visible(const MadeMailbox& mailbox, bool hide_deleted) {
  std::vector<MadeMessage> messages;
  for (const MadeMessage& message : mailbox.messages) {
    if ((message.flags & flag_bit::kExpunged) != 0) continue;
    if (hide_deleted && (message.flags & flag_bit::kDeleted) != 0) continue;
    if (mailbox.show_after != 0 && message.internaldate <= mailbox.show_after) continue;
    messages.push_back(message);
  }
  return messages;
}

std::string unique_id(const MadeMailbox& mailbox, UidlFormat format, std::uint32_t uid) {
  const bool is_empty = std::ranges::all_of(
      mailbox.messages, [](const MadeMessage& message) { return (message.flags & flag_bit::kExpunged) != 0; });
  const bool new_uidl = (mailbox.options & 1) != 0 || is_empty;
  char text[32];
  if (!new_uidl || format == UidlFormat::uidonly) {
    std::snprintf(text, sizeof text, "%u", uid);
  } else if (format == UidlFormat::dovecot) {
    std::snprintf(text, sizeof text, "%08x%08x", uid, mailbox.uidvalidity);
  } else {
    std::snprintf(text, sizeof text, "%u%c%u", mailbox.uidvalidity, format == UidlFormat::cyrus ? '.' : '-', uid);
  }
  return text;
}

/// The folder as a client names it.
std::string subfolder(const MadeMailbox& mailbox, const StoreConfig& config) {
  std::string folder = mailbox.folder;
  if (config.unix_hierarchy_sep) std::ranges::replace(folder, '.', '/');
  return folder;
}

RC_GTEST_PROP(Snapshot, ReadsBackAnyStoreThatWasMade, (std::uint64_t seed)) {
  const support::TempDirectory directory;
  support::Random random(seed);
  const StoreShape shape = support::random_shape(random);
  StoreMaker maker(directory.path(), shape, seed);
  std::vector<std::pair<std::string, std::string>> names = {
      {"ann", ""}, {"ann", "Sub.Deeper"}, {"Zoe9", ""}, {"7of9", ""}, {"ann@example.com", ""}};
  if (shape.unix_hierarchy_sep) names.emplace_back("al.dot", "");
  std::ranges::shuffle(names, random);
  names.resize(3);
  for (const auto& [user, folder] : names) maker.add(user, folder, support::pick(random, 0, 8));
  maker.finish();

  const StoreConfig config = maker.config();
  const auto before = support::tree_contents(directory.path());
  Store store(config, kNoLog);
  for (const MadeMailbox& mailbox : maker.mailboxes()) {
    const auto drop = store.open_maildrop({mailbox.userid, subfolder(mailbox, config)});
    if (!drop) RC_FAIL(drop.error().text);
    const auto expected = visible(mailbox, shape.pop_use_imap_flags);
    RC_ASSERT((*drop)->count() == expected.size());
    for (std::uint32_t n = 1; n <= expected.size(); ++n) {
      const MadeMessage& message = expected[n - 1];
      RC_ASSERT(maildrop::value((*drop)->octets(MessageNumber{n})) == message.text.size());
      std::string id;
      (*drop)->append_unique_id(MessageNumber{n}, id);
      RC_ASSERT(id == unique_id(mailbox, shape.uidl_format, message.uid));
      const auto open = (*drop)->open(MessageNumber{n}, Access::may_block);
      if (!open) RC_FAIL(open.error().text);
      std::string text(message.text.size(), '\0');
      RC_ASSERT((*open)->read(text, 0, Access::may_block) == message.text.size());
      RC_ASSERT(text == message.text);
    }
  }
  RC_ASSERT(support::tree_contents(directory.path()) == before);
}

class SnapshotTest : public ::testing::Test {
 protected:
  /// A store with one mailbox, user.ann, of three messages; `shape_` and `mailbox_` may be changed before.
  void make() {
    maker_.emplace(directory_.path(), shape_, 1);
    mailbox_ = maker_->add_plain("ann", 3);
    maker_->finish();
    config_ = maker_->config();
  }

  base::Result<Snapshot> take() {
    const MailboxList mailboxes(config_);
    const auto name = MailboxName::of_user("ann", "", config_);
    return take_snapshot(*name, config_, mailboxes, log_, 1'795'400'000);
  }

  support::TempDirectory directory_;
  StoreShape shape_;
  std::optional<StoreMaker> maker_;
  MadeMailbox mailbox_;
  StoreConfig config_;
  std::vector<std::string> lines_;
  base::Log log_{[this](base::Severity, std::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(SnapshotTest, RemembersWhichMailboxItIsOf) {
  make();
  const auto snapshot = take();
  ASSERT_TRUE(snapshot) << snapshot.error().text;
  struct stat status = {};
  ASSERT_EQ(::stat(mailbox_.index_file.c_str(), &status), 0);
  EXPECT_EQ(snapshot->identity.name.intname(), "user.ann");
  EXPECT_EQ(snapshot->identity.uniqueid, mailbox_.uniqueid);
  EXPECT_EQ(snapshot->identity.partition, "default");
  EXPECT_EQ(snapshot->identity.uidvalidity, mailbox_.uidvalidity);
  EXPECT_EQ(snapshot->identity.index_device, status.st_dev);
  EXPECT_EQ(snapshot->identity.index_inode, status.st_ino);
  EXPECT_EQ(snapshot->identity.generation_no, mailbox_.generation);
  EXPECT_EQ(snapshot->entries.size(), 3u);
  EXPECT_TRUE(lines_.empty());
}

TEST_F(SnapshotTest, TakesTheUniqueidFromTheHeaderWhenTheListHasNone) {
  shape_.list = StoreShape::List::text;
  shape_.legacy = true;
  shape_.old_header_file = true;
  make();
  const auto snapshot = take();
  ASSERT_TRUE(snapshot) << snapshot.error().text;
  EXPECT_EQ(snapshot->identity.uniqueid, mailbox_.uniqueid);
}

TEST_F(SnapshotTest, KeepsNoLock) {
  make();
  ASSERT_TRUE(take());
  std::vector<fs::path> files = {config_.mailboxes_db, mailbox_.index_file};
  for (const auto& entry : fs::recursive_directory_iterator(config_.lock_path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  ASSERT_EQ(files.size(), 5u);  // two user locks and the name lock
  for (const auto& file : files) {
    const auto fd = base::open_file(file, O_RDWR);
    ASSERT_TRUE(fd);
    EXPECT_TRUE(base::FileLock::try_lock(fd->value(), base::LockMode::exclusive, file.native())) << file;
  }
}

TEST_F(SnapshotTest, IsBusyAtOnceWhileSomebodyHoldsAnyLock) {
  make();
  ASSERT_TRUE(take());  // makes the lock files
  std::vector<fs::path> files = {config_.mailboxes_db, mailbox_.index_file};
  for (const auto& entry : fs::recursive_directory_iterator(config_.lock_path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  for (const auto& held : files) {
    const auto fd = base::open_file(held, O_RDWR);
    ASSERT_TRUE(fd);
    const auto lock = base::FileLock::try_lock(fd->value(), base::LockMode::exclusive, held.native());
    ASSERT_TRUE(lock);
    const auto snapshot = take();
    ASSERT_FALSE(snapshot) << held;
    EXPECT_EQ(snapshot.error().code, Errc::busy) << snapshot.error().text;
    EXPECT_EQ(snapshot.error().text.find("mailbox user.ann: "), 0u) << snapshot.error().text;
    for (const auto& other : files) {
      if (other == held) continue;
      const auto other_fd = base::open_file(other, O_RDWR);
      ASSERT_TRUE(other_fd);
      EXPECT_TRUE(base::FileLock::try_lock(other_fd->value(), base::LockMode::exclusive, other.native()))
          << other << " while " << held;
    }
  }
  EXPECT_TRUE(take());
}

TEST_F(SnapshotTest, SharesItsLocksWithOtherReaders) {
  make();
  ASSERT_TRUE(take());
  const auto fd = base::open_file(mailbox_.index_file, O_RDWR);
  const auto lock = base::FileLock::try_lock(fd->value(), base::LockMode::shared, "index");
  ASSERT_TRUE(lock);
  EXPECT_TRUE(take());
}

TEST_F(SnapshotTest, FollowsTheLinksOfAnAdministratorToTheMailboxButNotToAMessage) {
  make();
  fs::rename(directory_.path() / "spool", directory_.path() / "disk2");
  fs::create_directory_symlink("disk2", directory_.path() / "spool");
  fs::rename(mailbox_.messages[1].file, mailbox_.data_directory / "elsewhere");
  fs::create_symlink("elsewhere", mailbox_.messages[1].file);
  Store store(config_, kNoLog);
  const auto drop = store.open_maildrop({"ann", ""});
  ASSERT_TRUE(drop) << drop.error().text;
  EXPECT_TRUE((*drop)->open(MessageNumber{1}, Access::may_block));
  const auto link = (*drop)->open(MessageNumber{2}, Access::may_block);
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().code, Errc::corrupt);
}

TEST_F(SnapshotTest, WarnsOfAHeaderFileThatTheIndexDoesNotKnow) {
  make();
  auto text = base::read_file(mailbox_.header_file, 1000).value();
  const auto rights = text.find("lrswipkxtecdan");
  ASSERT_NE(rights, std::string::npos);
  text.replace(rights, 14, "lrs");
  std::ofstream(mailbox_.header_file, std::ios::binary) << text;
  ASSERT_TRUE(take());
  EXPECT_EQ(lines_, (std::vector<std::string>{"mailbox user.ann: cyrus.header does not match the CRC in cyrus.index"}));
}

TEST_F(SnapshotTest, HidesMessagesUpToTheShowAfterTime) {
  for (std::uint32_t version = 13; version <= 20; ++version) {
    const support::TempDirectory directory;
    shape_.index_version = version;
    StoreMaker maker(directory.path(), shape_, version);
    const MadeMailbox* mailbox = nullptr;
    do {
      mailbox = &maker.add("u" + std::to_string(maker.mailboxes().size()), "", 12);
    } while (mailbox->show_after == 0);
    maker.finish();
    Store store(maker.config(), kNoLog);
    const auto drop = store.open_maildrop({mailbox->userid, ""});
    ASSERT_TRUE(drop) << drop.error().text;
    EXPECT_EQ((*drop)->count(), visible(*mailbox, false).size());
    EXPECT_LT((*drop)->count(), 12u);
  }
}

TEST_F(SnapshotTest, TellsWhyANameHasNoMaildrop) {
  make();
  const auto add = [this](const std::string& user, const std::string& type, const std::string& more) {
    maker_->add_list_record("Nuser\x1f" + user, "%(T " + type + " I id" + user + more + " V 1 C 1 F 1 M 1)");
    maker_->add_list_record("Iid" + user, "%(T " + type + " N user\x1f" + user + more + " V 1 C 1 F 1 M 1 H ())");
  };
  add("deleted", "ed", "");
  add("intermediate", "ei", "");
  add("moving", "em", " P default");
  add("remote", "er", " P default S backend2.example.com");
  add("reserved", "ez", " P default");
  add("nowhere", "e", " P lost");
  maker_->finish();
  const std::pair<const char*, Errc> outcomes[] = {{"deleted", Errc::not_found},    {"intermediate", Errc::not_found},
                                                   {"moving", Errc::unsupported},   {"remote", Errc::unsupported},
                                                   {"reserved", Errc::unsupported}, {"nowhere", Errc::corrupt}};
  for (const auto& [user, code] : outcomes) {
    Store store(config_, kNoLog);
    const auto drop = store.open_maildrop({user, ""});
    ASSERT_FALSE(drop) << user;
    EXPECT_EQ(drop.error().code, code) << drop.error().text;
    EXPECT_EQ(drop.error().text.find(std::string("mailbox user.") + user + ": "), 0u) << drop.error().text;
  }
}

}  // namespace
}  // namespace cyrus

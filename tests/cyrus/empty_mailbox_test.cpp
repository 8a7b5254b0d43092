#include "cyrus/empty_mailbox.hpp"

#include "base/file_io.hpp"
#include "cyrus/admin_support.hpp"
#include "cyrus/delivery_support.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "cyrus/status_cache.hpp"
#include "cyrus/twoskip_writer.hpp"
#include "support/tree_contents.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <memory>
#include <string>
#include <vector>

namespace cyrus {
namespace {

/// The INBOX of ann, without a message, and statuscache.db.
class EmptyMailboxTest : public AdminTest {
 protected:
  EmptyMailboxTest() {
    config.statuscache = true;
    record_ = ready().create_mailbox(name("user.ann")).value();
  }

  std::filesystem::path index_file() const { return MailboxPaths::of(record_, config).value().file(MetaFile::index); }

  /// What Cyrus's STATUS would leave, with `change` made to it.
  template <class Change>
  void remember(const Change& change) const {
    const IndexHeader header = header_of(index_file());
    StatusEntry entry;
    entry.exists = header.exists;
    entry.uidnext = header.last_uid + 1;
    entry.uidvalidity = header.uidvalidity;
    entry.options = header.options;
    entry.highestmodseq = header.highestmodseq;
    change(entry);
    std::string value = "I 8 (";
    for (const std::uint64_t number :
         {std::uint64_t{entry.exists}, std::uint64_t{entry.uidnext}, std::uint64_t{entry.uidvalidity},
          std::uint64_t{entry.options}, entry.quota_used, entry.createdmodseq, entry.highestmodseq}) {
      if (value.back() != '(') value += ' ';
      value += std::to_string(number);
    }
    auto database = TwoskipWriter::open(config.statuscache_db, {.create = true}).value();
    ASSERT_TRUE(database.store("user.ann%", value + ")"));
    ASSERT_TRUE(database.commit());
  }
  void remember() const {
    remember([](StatusEntry& /*entry*/) {});
  }

  bool is_known_empty() const {
    const MailboxList mailboxes(config);
    return rights_in_empty_mailbox(name("user.ann"), config, mailboxes).has_value();
  }

  std::size_t optimized() const {
    return static_cast<std::size_t>(std::ranges::count(logged, "optimized mode for empty maildrop: ann"));
  }

  MailboxRecord record_{name("user.ann")};
};

TEST_F(EmptyMailboxTest, IsKnownByAnEntryThatIsTrue) {
  EXPECT_FALSE(is_known_empty());  // nothing is cached
  remember();
  EXPECT_TRUE(is_known_empty());
  config.statuscache = false;
  EXPECT_FALSE(is_known_empty());
}

TEST_F(EmptyMailboxTest, NoEntryIsBelievedThatTheIndexContradicts) {
  remember([](StatusEntry& entry) { ++entry.exists; });
  EXPECT_FALSE(is_known_empty());
  remember([](StatusEntry& entry) { ++entry.uidnext; });
  EXPECT_FALSE(is_known_empty());
  remember([](StatusEntry& entry) { ++entry.uidvalidity; });
  EXPECT_FALSE(is_known_empty());
  remember([](StatusEntry& entry) { ++entry.highestmodseq; });
  EXPECT_FALSE(is_known_empty());
  remember();
  const std::string stale = read(config.statuscache_db);
  ASSERT_TRUE(deliver(config, "ann", kMessage));
  std::ofstream(config.statuscache_db, std::ios::binary) << stale;  // as a writer that was killed leaves it
  EXPECT_FALSE(is_known_empty());
  EXPECT_EQ(open(config, "ann", log)->count(), 1U);
  EXPECT_EQ(optimized(), 0U);
}

TEST_F(EmptyMailboxTest, WhatIsWrongIsLeftToTheOpening) {
  remember();
  const std::string index = read(index_file());
  std::filesystem::resize_file(index_file(), 20);
  EXPECT_FALSE(is_known_empty());
  std::filesystem::remove(index_file());
  EXPECT_FALSE(is_known_empty());
  std::ofstream(index_file(), std::ios::binary) << index;
  EXPECT_TRUE(is_known_empty());
  const std::string cache = read(config.statuscache_db);
  ASSERT_TRUE(admin().delete_mailbox(name("user.ann")));
  std::ofstream(config.statuscache_db, std::ios::binary) << cache;
  EXPECT_FALSE(is_known_empty());
}

TEST_F(EmptyMailboxTest, IsNotOpenedAtLoginNorAtQuit) {
  config.pop_min_poll = std::chrono::minutes(10);
  remember();
  // Locked by somebody else: whoever opened the mailbox would find it busy.
  const auto file = base::open_file(index_file(), O_RDWR).value();
  const auto lock = base::FileLock::try_lock(file.value(), base::LockMode::exclusive, "index").value();
  const auto before = support::tree_contents(root);
  for (int login = 0; login < 2; ++login) {
    auto drop = open(config, "ann", log);
    EXPECT_EQ(drop->count(), 0U);
    EXPECT_FALSE(drop->is_gone());
    const auto report = drop->update("session");
    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->removed, 0U);
  }
  EXPECT_EQ(support::tree_contents(root), before);
  EXPECT_EQ(optimized(), 2U);
}

// Cyrus asks the mailbox when the cache says nothing, and then goes on as if it had.
TEST_F(EmptyMailboxTest, IsTreatedTheSameWithoutAnEntry) {
  config.pop_min_poll = std::chrono::minutes(10);
  for (int login = 0; login < 2; ++login) ASSERT_TRUE(open(config, "ann", log)->update("session"));
  EXPECT_EQ(optimized(), 2U);
  EXPECT_EQ(header_of(index_file()).pop3_last_login.seconds, 0U);
  config.statuscache = false;
  ASSERT_TRUE(open(config, "ann", log)->update("session"));
  EXPECT_EQ(optimized(), 2U);
  EXPECT_NE(header_of(index_file()).pop3_last_login.seconds, 0U);
}

TEST_F(EmptyMailboxTest, WhoMayNotReadIsRefusedAsEver) {
  remember();
  config.pop_use_acl = true;
  EXPECT_TRUE(is_known_empty());
  CreateOptions options;
  options.acl = {{"ann", "lp"}};
  ASSERT_TRUE(admin().create_mailbox(name("user.ann.sub"), options));
  const auto refused = Store(config, log).open_maildrop({"ann", "sub"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Errc::permission);
}

}  // namespace
}  // namespace cyrus

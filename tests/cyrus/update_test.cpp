#include "cyrus/update.hpp"

#include "config/imapd_conf.hpp"
#include "cyrus/update_support.hpp"
#include "support/sample_store.hpp"
#include "support/store_checker.hpp"
#include "support/store_maker.hpp"
#include "support/temp_directory.hpp"
#include "support/tree_contents.hpp"
#include "support/twoskip_writer.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <vector>

// What QUIT does to a mailbox, judged by tests/support/store_checker.hpp, which recomputes everything.

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using maildrop::MessageNumber;
using support::StoreMaker;

StoreConfig config_of(const support::SampleStore& sample) {
  const auto conf = config::ImapdConf::load(sample.imapd_conf(), "pop3");
  if (!conf) throw std::runtime_error(conf.error().text);
  auto store = store_config(*conf);
  if (!store) throw std::runtime_error(store.error().text);
  return std::move(*store);
}

struct SampleUser {
  const char* sample;
  const char* user;
  std::uint32_t messages;
};

constexpr SampleUser kWritable[] = {{"cyrus361-one", "eve", 1},   {"cyrus361-uuid", "alice", 4},
                                    {"cyrus361-uuid", "bob", 2},  {"cyrus3121-uuid", "alice", 4},
                                    {"cyrus3121-uuid", "bob", 2}, {"cyrus-v20-uuid", "alice", 4},
                                    {"cyrus-v20-uuid", "bob", 2}};
constexpr ExpungeMode kModes[] = {ExpungeMode::delayed, ExpungeMode::semidelayed, ExpungeMode::immediate};

/// Deletes the messages of `numbers` in a fresh copy, and checks what can be seen from outside.
void delete_and_check(const SampleUser& who, ExpungeMode mode, const std::vector<std::uint32_t>& numbers) {
  SCOPED_TRACE(std::string(who.sample) + ' ' + who.user + " mode " + std::to_string(static_cast<int>(mode)) +
               " first " + std::to_string(numbers.empty() ? 0 : numbers.front()));
  const support::SampleStore sample(who.sample);
  StoreConfig config = config_of(sample);
  config.expunge_mode = mode;
  ASSERT_EQ(support::check_store(config), Strings{}) << "before";
  const auto files = support::mailbox_files(config, std::string("user.") + who.user);
  const auto before = header_of(files.index);

  auto drop = open(config, who.user);
  ASSERT_EQ(drop->count(), who.messages);
  for (const auto number : numbers) drop->mark_deleted(MessageNumber{number});
  const auto report = drop->update("session");
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_EQ(report->removed, numbers.size());
  EXPECT_EQ(support::check_store(config), Strings{});

  const auto after = header_of(files.index);
  EXPECT_EQ(after.exists, before.exists - numbers.size());
  EXPECT_EQ(after.highestmodseq, before.highestmodseq + numbers.size());
  EXPECT_GE(after.pop3_last_login.seconds, before.pop3_last_login.seconds);
  EXPECT_EQ(after.has_option(option_bit::kNeedsUnlink), !numbers.empty() && mode != ExpungeMode::delayed);
  EXPECT_EQ(after.has_option(option_bit::kNeedsRepack), !numbers.empty() && mode == ExpungeMode::immediate);
  EXPECT_EQ(open(config, who.user)->count(), who.messages - numbers.size());
}

TEST(Update, DeletesEachMessageOfEverySampleInEveryExpungeMode) {  // RFC 1939 s6
  for (const SampleUser& who : kWritable) {
    for (const ExpungeMode mode : kModes) {
      std::vector<std::uint32_t> all;
      for (std::uint32_t n = 1; n <= who.messages; ++n) {
        delete_and_check(who, mode, {n});
        all.push_back(n);
      }
      delete_and_check(who, mode, all);
      delete_and_check(who, mode, {});
    }
  }
}

TEST(Update, WritesTheFlagsThatCyrusWrites) {
  const std::pair<ExpungeMode, std::uint32_t> modes[] = {
      {ExpungeMode::delayed, 0x80000004}, {ExpungeMode::semidelayed, 0xd0000004}, {ExpungeMode::immediate, 0xd0000004}};
  for (const auto& [mode, flags] : modes) {
    const support::SampleStore sample("cyrus361-one");
    StoreConfig config = config_of(sample);
    config.expunge_mode = mode;
    const auto files = support::mailbox_files(config, "user.eve");
    auto drop = open(config, "eve");
    drop->mark_deleted(MessageNumber{1});
    ASSERT_TRUE(drop->update());
    EXPECT_EQ(records_of(files.index).at(2).flags, flags);
    EXPECT_EQ(records_of(files.index).at(2).modseq, 5u);
    // Cyrus removes the files, or an administrator brings the messages back.
    EXPECT_TRUE(fs::exists(files.data_directory / "2."));
  }
}

TEST(Update, ChangesNoByteButTheOnesThatMustChange) {
  const support::SampleStore sample("cyrus361-uuid");
  const StoreConfig config = config_of(sample);
  const auto files = support::mailbox_files(config, "user.bob");
  auto before = support::tree_contents(sample.root());
  auto drop = open(config, "bob");
  drop->mark_deleted(MessageNumber{1});
  ASSERT_TRUE(drop->update());
  auto after = support::tree_contents(sample.root());
  EXPECT_EQ(support::differences(before, after),
            (Strings{sample.root() / "conf/quota/b/user.bob", files.index.native()}));
  EXPECT_EQ(after[sample.root() / "conf/quota/b/user.bob"], "file %(S (446 1000) M (1 50) AS (0) NF (1) MODSEQ 5)\n");

  // Of record 1: last_updated, flags, modseq, CRC. Of record 2: nothing.
  const std::string index_before = before[files.index].substr(5);
  const std::string index_after = after[files.index].substr(5);
  ASSERT_EQ(index_before.size(), index_after.size());
  for (std::size_t at = 160; at < index_before.size(); ++at) {
    const std::size_t in_record = at - 160;
    const bool may = (in_record >= 28 && in_record < 36) || (in_record >= 80 && in_record < 88) ||
                     (in_record >= 108 && in_record < 112);
    if (!may) {
      EXPECT_EQ(index_before[at], index_after[at]) << at;
    }
  }
}

TEST(Update, RefusesDeletionsWithConversationsAndChangesNoByte) {
  const support::SampleStore sample("cyrus361-legacy-conv");
  const StoreConfig config = config_of(sample);
  for (const char* user : {"ann.lee", "ann.lee@example.com"}) {
    const auto before = support::tree_contents(sample.root());
    auto drop = open(config, user);
    drop->mark_deleted(MessageNumber{1});
    drop->mark_retrieved(MessageNumber{2});
    const auto report = drop->update();
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Errc::unsupported);
    EXPECT_NE(report.error().text.find("conversations"), std::string::npos) << report.error().text;
    EXPECT_EQ(support::differences(before, support::tree_contents(sample.root())), Strings{});
  }
}

TEST(Update, KeepsTheTimeOfTheLoginWithConversationsAndMarksNothing) {
  const support::SampleStore sample("cyrus361-legacy-conv");
  const StoreConfig config = config_of(sample);
  const auto files = support::mailbox_files(config, "user.ann^lee");
  const auto before = header_of(files.index);
  auto drop = open(config, "ann.lee");
  drop->mark_retrieved(MessageNumber{2});
  const auto report = drop->update();
  ASSERT_TRUE(report) << report.error().text;
  const auto after = header_of(files.index);
  EXPECT_GT(after.pop3_last_login, before.pop3_last_login);
  EXPECT_EQ(after.highestmodseq, before.highestmodseq);
  EXPECT_EQ(support::check_store(config), Strings{});
}

TEST(Update, ChangesNothingButTheTimeOfTheLoginWithoutMarks) {
  const support::SampleStore sample("cyrus361-one");
  const StoreConfig config = config_of(sample);
  const auto files = support::mailbox_files(config, "user.eve");
  const auto before = header_of(files.index);
  const auto records = base::read_file(files.index, 100'000)->substr(160);
  auto drop = open(config, "eve");
  drop->mark_retrieved(MessageNumber{1});
  ASSERT_TRUE(drop->update());
  const auto after = header_of(files.index);
  EXPECT_GT(after.pop3_last_login.seconds, before.pop3_last_login.seconds);
  EXPECT_EQ(after.highestmodseq, before.highestmodseq);
  EXPECT_EQ(base::read_file(files.index, 100'000)->substr(160), records);
  EXPECT_EQ(support::check_store(config), Strings{});
}

TEST(Update, MarksRetrievedMessagesAsSeenOnlyWithPopuseimapflags) {
  for (const bool use_flags : {true, false}) {
    const support::SampleStore sample("cyrus361-uuid");
    StoreConfig config = config_of(sample);
    config.pop_use_imap_flags = use_flags;
    const auto files = support::mailbox_files(config, "user.bob");
    const auto before = header_of(files.index);
    auto drop = open(config, "bob");
    drop->mark_retrieved(MessageNumber{1});
    drop->mark_deleted(MessageNumber{2});
    const auto report = drop->update();
    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->removed, 1u);
    const auto records = records_of(files.index);
    EXPECT_EQ(records.at(1).has(flag_bit::kSeen), use_flags);
    // Deletions come first.
    EXPECT_EQ(records.at(2).modseq, before.highestmodseq + 1);
    if (use_flags) {
      EXPECT_EQ(records.at(1).modseq, before.highestmodseq + 2);
    }
    EXPECT_EQ(support::check_store(config), Strings{});
  }
}

TEST(Update, LeavesMessagesThatAreSeenAlready) {
  const support::SampleStore sample("cyrus361-uuid");
  StoreConfig config = config_of(sample);
  config.pop_use_imap_flags = true;
  const auto files = support::mailbox_files(config, "user.alice");
  const auto before = header_of(files.index).highestmodseq;
  auto drop = open(config, "alice");
  drop->mark_retrieved(MessageNumber{1});
  ASSERT_TRUE(drop->update());
  EXPECT_EQ(header_of(files.index).highestmodseq, before);
}

// -- stores that are made up ------------------------------------------------------------------------------------------

/// Annotations of all kinds for some messages of a mailbox.
void write_annotations(const support::MadeMailbox& mailbox, const fs::path& file, support::Random& random) {
  std::map<std::string, std::string> items;
  for (const auto& message : mailbox.messages) {
    if (support::chance(random, 50)) continue;
    const std::string uid = std::to_string(message.uid) + '\0';
    const std::string entry = std::string("/comment") + '\0';
    items[uid + entry + '\0'] = annotation_value("shared " + uid, false);
    items[uid + entry + "[.OwNeR.]" + '\0'] = annotation_value("own", false);
    items[uid + entry + "fred" + '\0'] = annotation_value("", support::chance(random, 50));
    items[uid + "/altsubject" + '\0' + '\0'] = annotation_value("was there", true);
  }
  std::ofstream(file, std::ios::binary) << support::twoskip_bytes(items, random);
}

RC_GTEST_PROP(Update, KeepsEveryNumberRightInAnyStore, (std::uint64_t seed)) {
  const support::TempDirectory directory;
  support::Random random(seed);
  const auto shape = support::random_shape(random);
  StoreMaker maker(directory.path(), shape, seed);
  Strings users = {"ann", "zoe@example.com", "7of9"};
  if (shape.unix_hierarchy_sep) users.emplace_back("al.dot");
  for (const auto& user : users) maker.add(user, "", support::pick(random, 0, 12));
  maker.add("ann", "Sub.Deeper", support::pick(random, 0, 12));
  maker.finish();
  StoreConfig config = maker.config();
  config.expunge_mode = kModes[support::pick(random, 0, 2)];
  for (const auto& mailbox : maker.mailboxes()) {
    const auto files = support::mailbox_files(config, mailbox.intname);
    if (support::chance(random, 50)) write_annotations(mailbox, files.annotations, random);
    support::make_consistent(files);
  }
  if (support::chance(random, 70)) support::write_quota_files(config);
  RC_ASSERT(support::check_store(config) == Strings{});

  for (const auto& mailbox : maker.mailboxes()) {
    std::string folder = mailbox.folder;
    if (shape.unix_hierarchy_sep) std::ranges::replace(folder, '.', '/');
    auto drop = open(config, mailbox.userid, kNoLog, folder);
    std::size_t deleted = 0;
    for (std::uint32_t n = 1; n <= drop->count(); ++n) {
      if (support::chance(random, 40)) drop->mark_retrieved(MessageNumber{n});
      if (!support::chance(random, 40)) continue;
      drop->mark_deleted(MessageNumber{n});
      ++deleted;
    }
    const auto files = support::mailbox_files(config, mailbox.intname);
    const auto before = header_of(files.index);
    const auto report = drop->update();
    if (!report) RC_FAIL(report.error().text);
    RC_ASSERT(report->removed == deleted);
    RC_ASSERT(header_of(files.index).exists == before.exists - deleted);
    RC_ASSERT(support::check_store(config) == Strings{});
  }
}

TEST(Update, ChangesMailboxesThatAreLargerThanOneWrite) {
  const support::TempDirectory directory;
  StoreMaker maker(directory.path(), {}, 3);
  maker.add_plain("ann", 2000);
  maker.finish();
  const StoreConfig config = maker.config();
  const auto files = support::mailbox_files(config, "user.ann");
  support::make_consistent(files);
  auto drop = open(config, "ann");
  for (std::uint32_t n = 1; n <= 2000; ++n) {
    if (n % 3 == 0 || (n > 500 && n < 900) || n == 2000) drop->mark_deleted(MessageNumber{n});
  }
  const std::uint32_t deleted = drop->deleted();
  const auto report = drop->update();
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_EQ(report->removed, deleted);
  EXPECT_EQ(support::check_store(config), Strings{});
  EXPECT_EQ(open(config, "ann")->count(), 2000 - deleted);
}

}  // namespace
}  // namespace cyrus

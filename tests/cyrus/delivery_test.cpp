#include "cyrus/delivery.hpp"

#include "base/file_lock.hpp"
#include "base/sha1.hpp"
#include "config/imapd_conf.hpp"
#include "cyrus/delivery_support.hpp"
#include "cyrus/index_change.hpp"
#include "cyrus/mailbox_annotations.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "cyrus/quota_file.hpp"
#include "cyrus/sieve_script.hpp"
#include "support/sample_store.hpp"
#include "support/twoskip_writer.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <span>
#include <sys/stat.h>

// What a delivery does to a mailbox, judged by tests/support/store_checker.hpp, which recomputes everything.

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using support::StoreMaker;

class DeliveryTest : public ::testing::Test {
 protected:
  /// A store with the INBOX of ann, who has `messages` there, and that of bob.
  StoreConfig make(const support::StoreShape& shape = {}, std::size_t messages = 5) {
    fs::create_directory(directory_.path() / "store");
    maker_ = std::make_unique<StoreMaker>(directory_.path() / "store", shape, 7);
    maker_->add("ann", "", messages);
    maker_->add("bob", "", 1);
    maker_->finish();
    StoreConfig config = maker_->config();
    for (const char* user : {"user.ann", "user.bob"}) support::make_consistent(support::mailbox_files(config, user));
    EXPECT_EQ(support::check_store(config), Strings{}) << "before";
    return config;
  }

  support::TempDirectory directory_;
  std::unique_ptr<StoreMaker> maker_;
};

TEST_F(DeliveryTest, StoresAMessageInEveryIndexVersion) {
  for (std::uint32_t version = 12; version <= 20; ++version) {
    for (const std::size_t messages : {0U, version == 20 ? 700U : 5U}) {
      SCOPED_TRACE("version " + std::to_string(version) + " with " + std::to_string(messages));
      support::StoreShape shape;
      shape.index_version = version;
      const StoreConfig config = make(shape, messages);
      const auto files = support::mailbox_files(config, "user.ann");
      const IndexHeader before = header_of(files.index);
      const auto delivered = deliver(config, "ann", kMessage);
      ASSERT_TRUE(delivered) << delivered.error().text;
      EXPECT_EQ(support::check_store(config), Strings{});
      EXPECT_EQ(support::check_delivered(files, delivered->uid), Strings{});

      const IndexHeader after = header_of(files.index);
      EXPECT_EQ(after.minor_version, version);
      EXPECT_EQ(after.num_records, before.num_records + 1);
      EXPECT_EQ(after.last_uid, before.last_uid + 1);
      EXPECT_EQ(after.exists, before.exists + 1);
      EXPECT_EQ(after.highestmodseq, before.highestmodseq + 1);
      EXPECT_EQ(after.recentuid, before.recentuid);
      EXPECT_EQ(delivered->uid, after.last_uid);
      EXPECT_EQ(delivered->uidvalidity, before.uidvalidity);
      EXPECT_FALSE(delivered->duplicate);

      const IndexRecord record = records_of(files.index)[delivered->uid];
      EXPECT_EQ(record.flags, 0U);
      EXPECT_EQ(record.size, std::string(kMessage).size());
      EXPECT_EQ(record.header_size, std::string(kMessage).size() - 6);
      EXPECT_EQ(record.guid, base::sha1(kMessage));
      EXPECT_EQ(record.modseq, after.highestmodseq);
      EXPECT_EQ(record.createdmodseq, version < 16 ? 0 : after.highestmodseq);
      EXPECT_EQ(record.savedate, version < 15 ? Time{} : record.last_updated);
      EXPECT_EQ(after.last_appenddate, record.last_updated);

      const fs::path file = files.data_directory / (std::to_string(delivered->uid) + '.');
      EXPECT_EQ(content_of(file), kMessage);
      struct stat status = {};
      ASSERT_EQ(::stat(file.c_str(), &status), 0);
      EXPECT_EQ(static_cast<std::uint64_t>(status.st_mtime), record.internaldate.seconds);
      EXPECT_EQ(status.st_nlink, 1U) << "the stage file is gone";
      EXPECT_EQ(staged_files(config), Strings{});
      fs::remove_all(directory_.path() / "store");
    }
  }
}

TEST_F(DeliveryTest, StoresAMessageInEverySample) {
  for (const char* name : {"cyrus361-one", "cyrus361-uuid", "cyrus3121-uuid", "cyrus-v20-uuid"}) {
    SCOPED_TRACE(name);
    const support::SampleStore sample(name);
    const auto conf = config::ImapdConf::load(sample.imapd_conf(), "lmtp");
    ASSERT_TRUE(conf);
    const StoreConfig config = store_config(*conf).value();
    const std::string user = std::string(name) == "cyrus361-one" ? "eve" : "alice";
    for (int i = 0; i < 3; ++i) {
      const auto delivered = deliver(config, user, "Message-ID: <" + std::to_string(i) + ">\r\n\r\nx\r\n");
      ASSERT_TRUE(delivered) << delivered.error().text;
      EXPECT_EQ(support::check_delivered(support::mailbox_files(config, "user." + user), delivered->uid), Strings{});
    }
    EXPECT_EQ(support::check_store(config), Strings{});
  }
}

TEST_F(DeliveryTest, SharesOneFileBetweenRecipients) {
  StoreConfig config = make();
  for (const bool single : {true, false}) {
    config.single_instance_store = single;
    const StagedMessage message = stage(config, "Message-ID: <" + std::to_string(single) + ">\r\n\r\nx\r\n");
    const Delivery delivery(config, kNoLog);
    for (const char* user : {"ann", "bob"}) {
      DeliveryRequest request;
      request.user = user;
      const auto delivered = delivery.deliver(message, request);
      ASSERT_TRUE(delivered) << delivered.error().text;
      const auto files = support::mailbox_files(config, std::string("user.") + user);
      struct stat status = {};
      ASSERT_EQ(::stat((files.data_directory / (std::to_string(delivered->uid) + '.')).c_str(), &status), 0);
      EXPECT_EQ(status.st_nlink, single ? (user == std::string("ann") ? 2U : 3U) : 1U);
    }
  }
  EXPECT_EQ(support::check_store(config), Strings{});
  EXPECT_EQ(staged_files(config), Strings{});
}

TEST_F(DeliveryTest, RemovesAFileThatACrashLeftUnderTheNextName) {
  const StoreConfig config = make();
  const auto files = support::mailbox_files(config, "user.ann");
  const auto next = std::to_string(header_of(files.index).last_uid + 1) + '.';
  std::ofstream(files.data_directory / next) << "left by a crash";
  const auto delivered = deliver(config, "ann", kMessage);
  ASSERT_TRUE(delivered) << delivered.error().text;
  EXPECT_EQ(content_of(files.data_directory / next), kMessage);
}

TEST_F(DeliveryTest, IgnoresAndOverwritesWhatACrashLeftBehindTheLastRecord) {
  const StoreConfig config = make();
  const auto files = support::mailbox_files(config, "user.ann");
  std::ofstream(files.index, std::ios::app | std::ios::binary) << std::string(300, 'x');
  ASSERT_TRUE(deliver(config, "ann", kMessage));
  EXPECT_EQ(support::check_store(config), Strings{});
}

TEST_F(DeliveryTest, DeliversADuplicateOnce) {
  const support::SampleStore sample("cyrus361-uuid");
  StoreConfig config = store_config(*config::ImapdConf::load(sample.imapd_conf(), "lmtp")).value();
  const auto first = deliver(config, "alice", kMessage);
  ASSERT_TRUE(first) << first.error().text;
  const auto second = deliver(config, "alice", kMessage);
  ASSERT_TRUE(second) << second.error().text;
  EXPECT_TRUE(second->duplicate);
  EXPECT_EQ(second->uid, 0U);
  EXPECT_FALSE(deliver(config, "bob", kMessage)->duplicate) << "another mailbox";
  const std::string later = "Message-ID: <one@test.example>\r\nDate: Tue, 3 Nov 2026 00:00:00 +0000\r\n\r\nbody\r\n";
  EXPECT_FALSE(deliver(config, "alice", later)->duplicate) << "another date";
  config.duplicate_suppression = false;
  EXPECT_FALSE(deliver(config, "alice", kMessage)->duplicate);
  EXPECT_EQ(support::check_store(config), Strings{});
}

TEST_F(DeliveryTest, DeliversADuplicateAgainWhereTheMailboxSaysSo) {
  const support::SampleStore sample("cyrus361-uuid");
  const StoreConfig config = store_config(*config::ImapdConf::load(sample.imapd_conf(), "lmtp")).value();
  const auto files = support::mailbox_files(config, "user.alice");
  std::string index = content_of(files.index);
  const std::span<unsigned char> bytes(reinterpret_cast<unsigned char*>(index.data()), index.size());
  const IndexHeader header = header_of(files.index);
  store(bytes, header.format_table->header.options, header.options | option_bit::kDuplicateDelivery);
  seal(bytes.first(header.start_offset));
  std::ofstream(files.index, std::ios::binary) << index;
  EXPECT_FALSE(deliver(config, "alice", kMessage)->duplicate);
  EXPECT_FALSE(deliver(config, "alice", kMessage)->duplicate);
}

TEST_F(DeliveryTest, DeliversIntoTheFolderOrElseIntoInbox) {
  fs::create_directory(directory_.path() / "store");
  StoreMaker maker(directory_.path() / "store", {}, 3);
  maker.add("ann", "", 1);
  maker.add("ann", "open", 1);
  maker.add("ann", "closed", 1);
  maker.finish();
  StoreConfig config = maker.config();
  DeliveryRequest request;
  request.user = "ann";
  request.folder = "missing";
  const Delivery delivery(config, kNoLog);
  const auto recipient = delivery.check_recipient(request, 0);
  ASSERT_TRUE(recipient) << recipient.error().text;
  EXPECT_TRUE(recipient->into_inbox);
  const auto missing = deliver(config, "ann", kMessage, "missing");
  ASSERT_TRUE(missing) << missing.error().text;
  EXPECT_EQ(missing->name.intname(), "user.ann");
  EXPECT_TRUE(missing->into_inbox);
  // Its owner has every right there, p included; nobody else has.
  const auto folder = deliver(config, "ann", "Message-ID: <a>\r\n\r\n", "open", "ann");
  ASSERT_TRUE(folder) << folder.error().text;
  EXPECT_EQ(folder->name.intname(), "user.ann.open");
  EXPECT_FALSE(folder->into_inbox);
  EXPECT_TRUE(deliver(config, "ann", "Message-ID: <b>\r\n\r\n", "closed")->into_inbox);
  EXPECT_TRUE(deliver(config, "ann", "Message-ID: <c>\r\n\r\n", "../x", "ann")->into_inbox);
}

TEST_F(DeliveryTest, TakesTheNearestFolderWhenAskedTo) {
  fs::create_directory(directory_.path() / "store");
  StoreMaker maker(directory_.path() / "store", {}, 3);
  maker.add("ann", "", 1);
  for (const char* folder : {"My Lists", "My Lists.C++", "My Lists.c__", "Sent"}) maker.add("ann", folder, 1);
  maker.add("annabel", "", 1);
  maker.add("annabel", "Other", 1);
  maker.finish();
  const Delivery delivery(maker.config(), kNoLog);
  DeliveryRequest request;
  request.user = "ann";
  request.sender = "ann";
  const auto found = [&](const std::string& folder) {
    request.folder = folder;
    return delivery.check_recipient(request, 0).value().name.intname();
  };
  EXPECT_EQ(found("sent"), "user.ann");
  request.fuzzy_folder = true;
  EXPECT_EQ(found("sent"), "user.ann.Sent");
  EXPECT_EQ(found("SENT/2026/x"), "user.ann.Sent");
  EXPECT_EQ(found("my-lists/c++"), "user.ann.My Lists.C++");
  EXPECT_EQ(found("my_lists/C- "), "user.ann.My Lists.c__");
  EXPECT_EQ(found("mylists"), "user.ann");
  EXPECT_EQ(found("Sen"), "user.ann");
  EXPECT_EQ(found("Sentx"), "user.ann");
  EXPECT_EQ(found("Other"), "user.ann") << "of another user";
  request.folder = "SENT/x";
  EXPECT_EQ(delivery.deliver(stage(maker.config(), kMessage), request)->name.intname(), "user.ann.Sent");
}

TEST_F(DeliveryTest, GoesPastFoldersOfAnExcludedSpecialUse) {
  fs::create_directory(directory_.path() / "store");
  StoreMaker maker(directory_.path() / "store", {}, 3);
  maker.add("ann", "", 1);
  for (const char* folder : {"Drafts", "Later", "Sent"}) maker.add("ann", folder, 1);
  maker.finish();
  StoreConfig config = maker.config();
  config.annotation_db = directory_.path() / "annotations.db";
  const auto use = [&](const std::string& folder, const std::string& uses) {
    const auto record = MailboxList(config).find(MailboxName::of_user("ann", folder, config).value()).value();
    ASSERT_TRUE(set_special_use(record.uniqueid, uses, config));
  };
  use("Drafts", "\\drafts");
  use("Later", "\\Important \\Snoozed");
  use("Sent", "\\Sent");
  config.excluded_special_uses = "\\Drafts \\Scheduled \\Snoozed";
  const auto into = [&](const std::string& folder) {
    return deliver(config, "ann", "Message-ID: <" + folder + ">\r\n\r\n", folder, "ann")->name.intname();
  };
  EXPECT_EQ(into("Drafts"), "user.ann");
  EXPECT_EQ(into("Later"), "user.ann");
  EXPECT_EQ(into("Sent"), "user.ann.Sent");
  DeliveryRequest request;
  request.user = "ann";
  request.folder = "Drafts";
  EXPECT_TRUE(Delivery(config, kNoLog).check_recipient(request, 0)->into_inbox);
  config.excluded_special_uses = "";
  EXPECT_EQ(into("Drafts"), "user.ann.Drafts");
  // What cannot be read says nothing against the folder that was asked for.
  config.excluded_special_uses = "\\Drafts";
  std::ofstream(config.annotation_db) << "no database";
  EXPECT_EQ(into("Later"), "user.ann.Later");
}

TEST_F(DeliveryTest, MailForAPartitionThatImapdConfHasLostCanWait) {
  StoreConfig config = make();
  const auto root = config.partitions.begin()->second;
  config.partitions = {{"elsewhere", root}};
  DeliveryRequest request;
  request.user = "ann";
  EXPECT_EQ(Delivery(config, kNoLog).check_recipient(request, 10).error().code, Errc::corrupt);
  EXPECT_EQ(deliver(config, "ann", kMessage).error().code, Errc::corrupt);
}

TEST_F(DeliveryTest, RefusesWhatIsOverTheQuotaAndNothingElse) {
  const support::SampleStore sample("cyrus361-uuid");
  StoreConfig config = store_config(*config::ImapdConf::load(sample.imapd_conf(), "lmtp")).value();
  const auto set_quota = [&](const std::string& text) {
    std::ofstream(quota_file_path("user.bob", config).value(), std::ios::binary) << text << '\n';
  };
  const auto before = records_of(support::mailbox_files(config, "user.bob").index).size();
  DeliveryRequest bob;
  bob.user = "bob";
  int number = 0;
  const auto attempt = [&](std::optional<Errc> expected) {
    const std::string text = "Message-ID: <" + std::to_string(++number) + ">\r\n\r\n" + std::string(2000, 'x') + "\r\n";
    const auto checked = Delivery(config, kNoLog).check_recipient(bob, text.size());
    const auto delivered = deliver(config, "bob", text);
    ASSERT_EQ(delivered.has_value(), !expected);
    EXPECT_EQ(checked.has_value(), !expected);
    if (expected) {
      EXPECT_EQ(delivered.error().code, *expected) << delivered.error().text;
    }
  };
  const auto header = header_of(support::mailbox_files(config, "user.bob").index);
  const std::string used = std::to_string(header.quota_mailbox_used);
  const std::string count = std::to_string(header.exists);
  set_quota("%(S (" + used + " 1) M (" + count + " 100) AS (0) NF (1) MODSEQ 9)");
  config.lmtp_strict_quota = true;
  attempt(Errc::limit);  // would not fit
  config.lmtp_strict_quota = false;
  attempt({});  // the last one may go beyond it
  attempt(Errc::limit);
  set_quota("%(S (9) M (" + count + " " + count + ") AS (0) NF (1) MODSEQ 9)");
  attempt({});
  attempt(Errc::limit);
  EXPECT_EQ(records_of(support::mailbox_files(config, "user.bob").index).size(), before + 2);
  bob.ignore_quota = true;
  EXPECT_TRUE(Delivery(config, kNoLog).deliver(stage(config, kMessage), bob));
}

TEST_F(DeliveryTest, ADamagedQuotaFileIsNeitherFullNorAnUnknownUser) {
  const support::SampleStore sample("cyrus361-uuid");
  const StoreConfig config = store_config(*config::ImapdConf::load(sample.imapd_conf(), "lmtp")).value();
  const fs::path file = quota_file_path("user.bob", config).value();
  ASSERT_TRUE(fs::exists(file));
  DeliveryRequest bob;
  bob.user = "bob";
  const auto expect_damage = [&](const char* what) {
    EXPECT_EQ(Delivery(config, kNoLog).check_recipient(bob, 10).error().code, Errc::corrupt) << what;
    EXPECT_EQ(deliver(config, "bob", kMessage).error().code, Errc::corrupt) << what;
  };
  std::ofstream(file, std::ios::binary) << std::string(2 << 20, ' ');
  expect_damage("too large");
  fs::remove(file);
  fs::create_directory(file);
  expect_damage("a directory");
}

TEST_F(DeliveryTest, MakesTheInboxOfANewUserWhereTheOptionsSaySo) {
  const support::SampleStore sample("cyrus361-uuid");
  StoreConfig config = store_config(*config::ImapdConf::load(sample.imapd_conf(), "lmtp")).value();
  DeliveryRequest request;
  request.user = "carol";
  config.autocreate.quota_kib = 100;
  EXPECT_EQ(Delivery(config, kNoLog).check_recipient(request, 10).error().code, Errc::not_found);
  config.autocreate.post = true;
  const auto recipient = Delivery(config, kNoLog).check_recipient(request, 10);
  ASSERT_TRUE(recipient) << recipient.error().text;
  EXPECT_EQ(recipient->name.intname(), "user.carol");
  const auto delivered = deliver(config, "carol", kMessage);
  ASSERT_TRUE(delivered) << delivered.error().text;
  EXPECT_EQ(delivered->uid, 1U);
  EXPECT_EQ(support::check_store(config), Strings{});
  EXPECT_EQ(support::check_delivered(support::mailbox_files(config, "user.carol"), 1), Strings{});
}

TEST_F(DeliveryTest, FindsTheScriptOfAUserWhoseMailboxesAreKeptByName) {
  StoreConfig config;
  config.sieve_directory = "/sieve";
  MailboxRecord inbox(MailboxName::from_intname("example.com!user.al^dot").value());
  inbox.legacy_layout = true;
  EXPECT_EQ(active_script_path(inbox, config), "/sieve/domain/e/example.com/a/al.dot/defaultbc");
  MailboxRecord plain(MailboxName::from_intname("user.fred").value());
  plain.uniqueid = "c9w60olzp7jjyyfws4kly2xm";
  EXPECT_EQ(active_script_path(plain, config), "/sieve/uuid/c/9/c9w60olzp7jjyyfws4kly2xm/defaultbc");
  plain.legacy_layout = true;
  EXPECT_EQ(active_script_path(plain, config), "/sieve/f/fred/defaultbc");
}

TEST_F(DeliveryTest, RefusesUsersThatDoNotExist) {
  const StoreConfig config = make();
  DeliveryRequest request;
  request.user = "nobody";
  EXPECT_EQ(Delivery(config, kNoLog).check_recipient(request, 10).error().code, Errc::not_found);
  EXPECT_EQ(deliver(config, "nobody", kMessage).error().code, Errc::not_found);
  EXPECT_EQ(deliver(config, "a/b", kMessage).error().code, Errc::invalid);
}

TEST_F(DeliveryTest, ChangesNothingWhereItMustNotWrite) {
  const StoreConfig config = make();
  const auto before = support::tree_contents(directory_.path());
  const auto refused = [&](const StoreConfig& with, Errc code) {
    const auto delivered = deliver(with, "ann", kMessage);
    ASSERT_FALSE(delivered);
    EXPECT_EQ(delivered.error().code, code) << delivered.error().text;
    DeliveryRequest request;
    request.user = "ann";
    EXPECT_EQ(Delivery(with, kNoLog).check_recipient(request, 10).error().code, code);
  };
  StoreConfig conversations = config;
  conversations.conversations = true;
  refused(conversations, Errc::unsupported);
  StoreConfig read_only = config;
  read_only.read_only = true;
  refused(read_only, Errc::unsupported);
  StoreConfig sieve = config;
  sieve.sieve_directory = directory_.path() / "sieve";
  const auto id = maker_->mailboxes()[0].uniqueid;
  const fs::path script = sieve.sieve_directory / "uuid" / id.substr(0, 1) / id.substr(1, 1) / id / "defaultbc";
  fs::create_directories(script.parent_path());
  std::ofstream(script) << "bytecode";
  refused(sieve, Errc::unsupported);
  sieve.lmtp_ignore_sieve = true;
  EXPECT_TRUE(Delivery(sieve, kNoLog).check_recipient({"ann", "", "", "", "", false}, 10));
  fs::remove_all(sieve.sieve_directory);
  fs::remove(config.partitions.begin()->second / "stage.");
  EXPECT_EQ(support::differences(before, support::tree_contents(directory_.path())), Strings{});
}

TEST_F(DeliveryTest, SaysBusyAndChangesNothingWhileALockIsHeld) {
  const StoreConfig config = make();
  const auto record = MailboxList(config).find(MailboxName::of_user("ann", "", config).value()).value();
  const auto files = support::mailbox_files(config, "user.ann");
  ASSERT_TRUE(deliver(config, "ann", "Message-ID: <first>\r\n\r\n"));  // makes the lock files
  const auto before = support::tree_contents(directory_.path());
  for (const fs::path& file : {user_lock_path_3_4(record.name, config), user_lock_path_3_12(record.name, config),
                               name_lock_path(record, config), files.index}) {
    const auto fd = base::open_file(file, O_RDWR);
    const auto lock = base::FileLock::try_lock(fd->value(), base::LockMode::exclusive, file.native());
    ASSERT_TRUE(lock) << file;
    EXPECT_EQ(deliver(config, "ann", kMessage).error().code, Errc::busy) << file;
  }
  EXPECT_EQ(support::differences(before, support::tree_contents(directory_.path())), Strings{});
}

}  // namespace
}  // namespace cyrus

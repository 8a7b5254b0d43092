#include "cyrus/mailbox_admin.hpp"

#include "cyrus/admin_support.hpp"
#include "cyrus/mailbox_annotations.hpp"
#include "cyrus/mailbox_lock.hpp"
#include "cyrus/mailboxes_writer.hpp"
#include "cyrus/update_support.hpp"
#include "cyrus/user_files.hpp"
#include "support/store_checker.hpp"

#include <algorithm>
#include <fstream>
#include <grp.h>
#include <pwd.h>
#include <set>
#include <sys/stat.h>
#include <utility>

namespace cyrus {
namespace {

using base::Errc;

class MailboxAdminTest : public AdminTest {
 protected:
  MailboxRecord create(const std::string& intname) {
    auto made = admin().create_mailbox(name(intname));
    if (!made) throw std::runtime_error(made.error().text);
    return *std::move(made);
  }
  Errc refusal(const std::string& intname) {
    const auto made = admin().create_mailbox(name(intname));
    EXPECT_FALSE(made);
    return made ? Errc::io : made.error().code;
  }
  void expect_sound() const {
    for (const auto& line : support::check_store(config)) ADD_FAILURE() << line;
  }
  std::set<std::string> live() {
    std::set<std::string> names;
    const auto list = admin().list_mailboxes();
    EXPECT_TRUE(list);
    for (const auto& mailbox : *list) names.insert(mailbox.record.name.intname());
    return names;
  }
};

TEST_F(MailboxAdminTest, AStoreIsMadeOnceAndNeverOverMail) {
  EXPECT_EQ(admin().create_mailbox(name("user.ann")).error().code, Errc::io);
  ASSERT_TRUE(admin().make_store());
  create("user.ann");
  const auto before = read(config.mailboxes_db);
  ASSERT_TRUE(admin().make_store());
  EXPECT_EQ(read(config.mailboxes_db), before);
  std::filesystem::remove(config.mailboxes_db);
  EXPECT_EQ(admin().make_store().error().code, Errc::invalid);
  EXPECT_FALSE(std::filesystem::exists(config.mailboxes_db));
}

TEST_F(MailboxAdminTest, ANewInboxIsAnEmptyMaildropOfItsOwner) {
  ready();
  const auto record = create("user.ann");
  EXPECT_EQ(record.uniqueid.size(), 24U);
  EXPECT_EQ(open(config, "ann")->count(), 0U);
  const auto info = admin().mailbox_info(name("user.ann"));
  ASSERT_TRUE(info) << info.error().text;
  EXPECT_EQ(info->header.minor_version, 17U);
  EXPECT_EQ(info->header.uidvalidity, record.uidvalidity);
  EXPECT_EQ(info->header.options, option_bit::kPop3NewUidl);
  EXPECT_EQ(info->record.acl, (std::vector<AclEntry>{{"ann", "lrswipkxtecdan"}}));
  EXPECT_EQ(info->directory,
            root / "spool" / "uuid" / record.uniqueid.substr(0, 1) / record.uniqueid.substr(1, 1) / record.uniqueid);
  expect_sound();
}

TEST_F(MailboxAdminTest, AFolderTakesPartitionAndAccessListFromItsParent) {
  config.partitions["other"] = root / "other";
  ready();
  const CreateOptions options{"other", {{"ann", "lrs"}, {"bob", "l"}}};
  ASSERT_TRUE(admin().create_mailbox(name("user.ann"), options));
  const auto folder = create("user.ann.Sub");
  EXPECT_EQ(folder.partition, "other");
  EXPECT_EQ(folder.acl, options.acl);
  EXPECT_EQ(admin().create_mailbox(name("user.ann.x"), {"nowhere", {}}).error().code, Errc::invalid);
  expect_sound();
  EXPECT_EQ(live(), (std::set<std::string>{"user.ann", "user.ann.Sub"}));
}

TEST_F(MailboxAdminTest, MissingParentsAreMadeButNoInbox) {
  ready();
  EXPECT_EQ(refusal("user.ann.a.b"), Errc::not_found);
  create("user.ann");
  create("user.ann.a.b");
  EXPECT_EQ(live(), (std::set<std::string>{"user.ann", "user.ann.a", "user.ann.a.b"}));
  EXPECT_EQ(refusal("user.ann.a"), Errc::invalid);
  EXPECT_EQ(refusal("shared"), Errc::invalid);
  expect_sound();
}

TEST_F(MailboxAdminTest, TheOldLayoutAndMetapartitionsAreFollowed) {
  config.legacy_dirs = true;
  config.hash_spool = true;
  config.metapartitions["default"] = root / "meta";
  config.metapartition_files = {MetaFile::header, MetaFile::index};
  config.default_options = 4;
  ready();
  create("user.ann");
  EXPECT_TRUE(std::filesystem::exists(root / "meta/a/user/ann/cyrus.index"));
  EXPECT_TRUE(std::filesystem::exists(root / "meta/a/user/ann/cyrus.header"));
  EXPECT_TRUE(std::filesystem::is_empty(root / "spool/a/user/ann"));
  config.legacy_dirs = false;  // a folder goes where its parent is
  EXPECT_TRUE(create("user.ann.Sub").legacy_layout);
  EXPECT_EQ(admin().mailbox_info(name("user.ann.Sub"))->header.options, 5U);
  expect_sound();
}

TEST_F(MailboxAdminTest, ANameThatIsUsedAgainGetsALaterUidvalidity) {
  ready();
  auto before = create("user.ann");
  before.deleted = true;
  before.uidvalidity += 1000;
  {
    auto writer = MailboxesWriter::open(config);
    ASSERT_TRUE(writer && writer->put(before) && writer->commit());
  }
  const auto again = create("user.ann");
  EXPECT_EQ(again.uidvalidity, before.uidvalidity + 1);
  EXPECT_NE(again.uniqueid, before.uniqueid);
  EXPECT_FALSE(database().contains("I" + before.uniqueid));
  EXPECT_EQ(header_of(support::mailbox_files(config, "user.ann").index).uidvalidity, again.uidvalidity);
}

TEST_F(MailboxAdminTest, WhatABrokenOffCreationLeftIsUsedAgain) {
  ready();
  MailboxRecord begun(name("user.ann"));
  begun.type = "e";
  begun.uniqueid = "abcdefabcdefabcdefabcdef";
  begun.uidvalidity = 2'000'000'000;
  {
    auto writer = MailboxesWriter::open(config);
    ASSERT_TRUE(writer && writer->reserve(begun) && writer->commit());
  }
  const auto directory_left = root / "spool/uuid/a/b" / begun.uniqueid;
  std::filesystem::create_directories(directory_left);
  std::ofstream(directory_left / "cyrus.index") << "half a head";
  std::ofstream(directory_left / "cyrus.header.NEW") << "half";
  const auto record = create("user.ann");
  EXPECT_EQ(record.uniqueid, begun.uniqueid);
  EXPECT_GT(record.uidvalidity, begun.uidvalidity);
  expect_sound();
  EXPECT_FALSE(std::filesystem::exists(directory_left / "cyrus.header.NEW"));
}

TEST_F(MailboxAdminTest, ADirectoryWithMessagesIsNotTakenForANewMailbox) {
  config.legacy_dirs = true;
  ready();
  std::filesystem::create_directories(root / "spool/user/ann");
  std::ofstream(root / "spool/user/ann/17.") << "Subject: mine\r\n\r\n";
  EXPECT_EQ(refusal("user.ann"), Errc::corrupt);
  EXPECT_TRUE(database().empty()) << "the reservation is taken back";
  EXPECT_TRUE(std::filesystem::exists(root / "spool/user/ann/17."));
}

TEST_F(MailboxAdminTest, AFailureHalfWayIsTakenBack) {
  ready();
  std::ofstream(root / "spool" / "uuid") << "in the way";
  EXPECT_EQ(refusal("user.ann"), Errc::io);
  EXPECT_TRUE(database().empty());
  std::filesystem::remove(root / "spool" / "uuid");
  create("user.ann");
}

TEST_F(MailboxAdminTest, ConversationsAndOtherQuotaDatabasesAreRefused) {
  ready();
  config.conversations = true;
  EXPECT_EQ(refusal("user.ann"), Errc::unsupported);
  config.conversations = false;
  config.quota_backend = "twoskip";
  EXPECT_EQ(refusal("user.ann"), Errc::unsupported);
  EXPECT_TRUE(database().empty());
}

TEST_F(MailboxAdminTest, AUserWhoIsBusyIsLeftAlone) {
  ready();
  const auto lock = MailboxLock::lock_user(name("user.ann"), config, base::LockMode::shared);
  ASSERT_TRUE(lock);
  EXPECT_EQ(refusal("user.ann"), Errc::busy);
  EXPECT_EQ(admin().set_quota(name("user.ann"), {}).error().code, Errc::busy);
  EXPECT_EQ(admin().delete_mailbox(name("user.ann")).error().code, Errc::busy);
  EXPECT_EQ(admin().autocreate_inbox("ann", AutocreateFor::login).error().code, Errc::busy);
}

// -- quota
// ---------------------------------------------------------------------------------------------------------------

TEST_F(MailboxAdminTest, TheNearestQuotaRootCountsAMailbox) {
  ready();
  for (const char* intname : {"user.ann", "user.ann.a", "user.ann.a.b", "user.annabel"}) create(intname);
  ASSERT_TRUE(admin().set_quota(name("user.ann.a"), {100, std::nullopt}));
  ASSERT_TRUE(admin().set_quota(name("user.ann"), {1000, 5}));
  const auto root_of = [&](const char* intname) { return admin().mailbox_info(name(intname))->quota_root; };
  EXPECT_EQ(root_of("user.ann"), "user.ann");
  EXPECT_EQ(root_of("user.ann.a"), "user.ann.a");
  EXPECT_EQ(root_of("user.ann.a.b"), "user.ann.a");
  EXPECT_EQ(root_of("user.annabel"), "");
  expect_sound();
  create("user.ann.a.c");
  EXPECT_EQ(admin().quota_of(name("user.ann.a.c"))->value().usage.folders, 3);
  ASSERT_TRUE(admin().remove_quota(name("user.ann.a")));
  EXPECT_EQ(root_of("user.ann.a.b"), "user.ann");
  EXPECT_EQ(admin().quota_of(name("user.ann"))->value().usage.folders, 4);
  EXPECT_EQ(admin().quota_of(name("user.ann"))->value().limits, (QuotaLimits{1000, 5}));
  ASSERT_TRUE(admin().remove_quota(name("user.ann")));
  EXPECT_FALSE(*admin().quota_of(name("user.ann")));
  EXPECT_EQ(admin().remove_quota(name("user.ann")).error().code, Errc::not_found);
  EXPECT_EQ(admin().set_quota(name("user.zoe"), {}).error().code, Errc::not_found);
  expect_sound();
}

TEST_F(MailboxAdminTest, AnInterruptedQuotaChangeIsFinishedByTheNext) {
  ready();
  create("user.ann");
  create("user.ann.a");
  // As a crash leaves it: the file, and no mailbox counted yet.
  ASSERT_TRUE(admin().set_quota(name("user.ann"), {10, std::nullopt}));
  ASSERT_TRUE(admin().remove_quota(name("user.ann")));
  const auto file = *quota_file_path("user.ann", config);
  std::ofstream(file) << new_quota_text({10, std::nullopt});
  ASSERT_TRUE(admin().set_quota(name("user.ann"), {20, std::nullopt}));
  EXPECT_EQ(read(file), "%(S (0 20) M (0) AS (0) NF (2) MODSEQ 4)\n");
}

// -- deletion
// --------------------------------------------------------------------------------------------------------------

TEST_F(MailboxAdminTest, ADeletedMailboxKeepsItsDirectoryAndNoQuota) {
  ready();
  create("user.ann");
  const auto folder = create("user.ann.Sub");
  ASSERT_TRUE(admin().set_quota(name("user.ann"), {10, std::nullopt}));
  const auto gone = admin().delete_mailbox(name("user.ann.Sub"));
  ASSERT_TRUE(gone) << gone.error().text;
  ASSERT_EQ(gone->size(), 1U);
  EXPECT_TRUE(gone->front().intname().starts_with("DELETED.user.ann.Sub."));
  const auto info = admin().mailbox_info(gone->front());
  ASSERT_TRUE(info) << info.error().text;
  EXPECT_EQ(info->record.uniqueid, folder.uniqueid);
  EXPECT_EQ(info->quota_root, "");
  EXPECT_EQ(info->header.highestmodseq, 2U);
  EXPECT_EQ(info->record.folder_modseq, 2U);
  EXPECT_EQ(admin().quota_of(name("user.ann"))->value().usage.folders, 1);
  EXPECT_EQ(admin().delete_mailbox(name("user.ann.Sub")).error().code, Errc::not_found);
  EXPECT_EQ(live(), (std::set<std::string>{"user.ann"}));
  create("user.ann.Sub");
  const auto again = admin().delete_mailbox(name("user.ann.Sub"));
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_NE(again->front().intname(), gone->front().intname()) << "even within one second";
  expect_sound();
}

TEST_F(MailboxAdminTest, AnInboxGoesLastAndWithAllThatBelongsToItsUser) {
  ready();
  const auto inbox = create("user.ann");
  create("user.ann.a");
  create("user.ann.a.b");
  create("user.annabel");
  ASSERT_TRUE(admin().set_quota(name("user.ann"), {}));
  ASSERT_TRUE(admin().set_quota(name("user.ann.a"), {}));
  ASSERT_TRUE(admin().set_quota(name("user.annabel"), {}));
  ASSERT_TRUE(subscribe(inbox, {inbox.name}, config));
  EXPECT_EQ(admin().delete_mailbox(name("user.ann.a")).error().code, Errc::invalid);
  const auto gone = admin().delete_mailbox(name("user.ann"));
  ASSERT_TRUE(gone) << gone.error().text;
  ASSERT_EQ(gone->size(), 3U);
  EXPECT_TRUE(gone->back().intname().starts_with("DELETED.user.ann.") && gone->back().components().size() == 4);
  EXPECT_EQ(live(), (std::set<std::string>{"user.annabel"}));
  EXPECT_FALSE(std::filesystem::exists(user_file_path(inbox, "sub", config)));
  EXPECT_FALSE(std::filesystem::exists(*quota_file_path("user.ann", config)));
  EXPECT_FALSE(std::filesystem::exists(*quota_file_path("user.ann.a", config)));
  EXPECT_TRUE(std::filesystem::exists(*quota_file_path("user.annabel", config)));
  EXPECT_EQ(admin().list_mailboxes({"", true, false})->size(), 7U);
}

TEST_F(MailboxAdminTest, DeletingForGoodLeavesATombstoneAndNoFile) {
  ready();
  config.delete_mode = DeleteMode::immediate;
  const auto record = create("user.ann");
  const auto gone = admin().delete_mailbox(name("user.ann"));
  ASSERT_TRUE(gone) << gone.error().text;
  EXPECT_EQ(gone->front(), name("user.ann"));
  EXPECT_EQ(live(), (std::set<std::string>{}));
  EXPECT_TRUE(std::filesystem::is_empty(config.partitions["default"]));
  const auto again = create("user.ann");
  EXPECT_NE(again.uniqueid, record.uniqueid);
  EXPECT_GT(again.uidvalidity, record.uidvalidity);
}

TEST_F(MailboxAdminTest, DeletingAMailboxThatIsKeptByNameMovesItsFilesButNotThoseBelow) {
  ready();
  config.legacy_dirs = true;
  create("user.ann");
  create("user.ann.a");
  create("user.ann.a.b");
  const auto spool = config.partitions["default"];
  ASSERT_TRUE(std::filesystem::exists(spool / "user/ann/a/b/cyrus.index"));
  const auto deepest = admin().delete_mailbox(name("user.ann.a.b"));
  ASSERT_TRUE(deepest) << deepest.error().text;
  EXPECT_FALSE(std::filesystem::exists(spool / "user/ann/a/b"));
  EXPECT_TRUE(std::filesystem::exists(spool / "user/ann/a/cyrus.index"));
  const auto place = spool / "DELETED/user/ann/a/b" / deepest->front().components().back();
  EXPECT_TRUE(std::filesystem::exists(place / "cyrus.index"));
  EXPECT_EQ(support::check_store(config), std::vector<std::string>{});
  ASSERT_TRUE(admin().delete_mailbox(name("user.ann")));
  EXPECT_FALSE(std::filesystem::exists(spool / "user"));
}

TEST_F(MailboxAdminTest, WhatIsNotInTheTreeOfAUserIsNotDeleted) {
  ready();
  create("user.ann");
  EXPECT_EQ(admin().delete_mailbox(name("shared")).error().code, Errc::invalid);
  EXPECT_EQ(live(), (std::set<std::string>{"user.ann"}));
}

// -- list and autocreate
// -----------------------------------------------------------------------------------------------------

TEST_F(MailboxAdminTest, AListCanBeOfOneUserAndHaveCounts) {
  ready();
  for (const char* intname : {"user.ann", "user.ann.a", "user.annabel"}) create(intname);
  const auto list = admin().list_mailboxes({"ann", false, true});
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ(list->front().record.name.intname(), "user.ann");
  ASSERT_TRUE(list->front().counts);
  EXPECT_EQ(list->front().counts->messages, 0U);
}

TEST_F(MailboxAdminTest, AnInboxIsMadeWithAllThatTheOptionsSay) {
  config.autocreate.quota_kib = 500;
  config.autocreate.quota_messages = 7;
  config.autocreate.inbox_folders = "Spam| Sent Mail |Lists/a";
  config.autocreate.subscribe_folders = "Spam|Elsewhere";
  config.autocreate.acl = "Spam anyone p Spam bob lr";
  ready();
  const auto made = admin().autocreate_inbox("ann", AutocreateFor::login);
  ASSERT_TRUE(made && *made) << made.error().text;
  EXPECT_EQ(live(), (std::set<std::string>{"user.ann", "user.ann.Lists", "user.ann.Lists.a", "user.ann.Sent Mail",
                                           "user.ann.Spam"}));
  const auto inbox = admin().mailbox_info(name("user.ann"));
  ASSERT_TRUE(inbox);
  EXPECT_EQ(read(user_file_path(inbox->record, "sub", config)), "\x1fVER\x1f\t2\nNINBOX\t\nNINBOX\x1fSpam\t\n");
  EXPECT_EQ(admin().mailbox_info(name("user.ann.Spam"))->record.acl,
            (std::vector<AclEntry>{{"ann", "lrswipkxtecdan"}, {"anyone", "p"}, {"bob", "lr"}}));
  const auto quota = admin().quota_of(name("user.ann.Lists.a"));
  ASSERT_TRUE(quota && *quota);
  EXPECT_EQ((*quota)->limits, (QuotaLimits{500, 7}));
  EXPECT_EQ((*quota)->usage.folders, 5);
  EXPECT_EQ(admin().autocreate_inbox("ann", AutocreateFor::login).value(), false) << "it is there";
  expect_sound();
}

TEST_F(MailboxAdminTest, FoldersGetTheSpecialUseThatTheOptionsSayAndItCounts) {
  config.autocreate.quota_kib = 500;
  config.autocreate.inbox_folders = "Drafts|Plain";
  config.autocreate.special_uses = {{"Drafts", "\\drafts"}, {"Missing", "\\junk"}};
  ready();
  ASSERT_TRUE(admin().autocreate_inbox("ann", AutocreateFor::login).value());
  const auto drafts = admin().mailbox_info(name("user.ann.Drafts"));
  ASSERT_TRUE(drafts);
  EXPECT_EQ(special_use_of(drafts->record.uniqueid, config).value(), "\\drafts");
  EXPECT_EQ(special_use_of(admin().mailbox_info(name("user.ann.Plain"))->record.uniqueid, config).value(), "");
  EXPECT_EQ(drafts->header.quota_annot_used, 7U);
  EXPECT_EQ(admin().quota_of(name("user.ann"))->value().usage.annotations, 7);
  expect_sound();

  config.delete_mode = DeleteMode::immediate;
  ASSERT_TRUE(admin().delete_mailbox(name("user.ann.Drafts")));
  EXPECT_TRUE(mailbox_annotations(drafts->record.uniqueid, config).value().empty());
  EXPECT_EQ(admin().quota_of(name("user.ann"))->value().usage.annotations, 0);
  expect_sound();
}

TEST_F(MailboxAdminTest, AnInboxIsMadeWithoutASieveScriptAndTheLogSaysSo) {
  config.autocreate.quota_kib = 500;
  config.autocreate.sieve_script = true;
  config.sieve_directory = config.config_directory / "sieve";
  ready();
  ASSERT_TRUE(admin().autocreate_inbox("ann", AutocreateFor::login).value());
  EXPECT_FALSE(std::filesystem::exists(config.sieve_directory));
  EXPECT_EQ(std::ranges::count_if(
                logged, [](const auto& line) { return line.find("autocreate_sieve_script is not") != line.npos; }),
            1);
}

TEST_F(MailboxAdminTest, AFolderIsMadeWithoutItsSpecialUseWhenThatCannotBeWritten) {
  config.autocreate.quota_kib = 500;
  config.autocreate.inbox_folders = "Drafts";
  config.autocreate.special_uses = {{"Drafts", "\\drafts"}};
  config.annotation_backend = "skiplist";
  ready();
  ASSERT_TRUE(admin().autocreate_inbox("ann", AutocreateFor::login).value());
  config.annotation_backend = "twoskip";
  std::ofstream(config.annotation_db) << "no database";
  ASSERT_TRUE(admin().autocreate_inbox("bob", AutocreateFor::login).value());
  EXPECT_EQ(live(), (std::set<std::string>{"user.ann", "user.ann.Drafts", "user.bob", "user.bob.Drafts"}));
  EXPECT_EQ(std::ranges::count_if(logged, [](const auto& line) { return line.find("specialuse") != line.npos; }), 2);
  EXPECT_EQ(read(config.annotation_db), "no database");
  std::filesystem::remove(config.annotation_db);
  expect_sound();
}

TEST_F(MailboxAdminTest, SharedFoldersThatTheUserMaySeeAreSubscribed) {
  ready();
  const auto shared = [&](const std::string& intname, std::vector<AclEntry> acl) {
    MailboxRecord record(name(intname));
    record.type = "e";
    record.uniqueid = "id" + std::to_string(intname.size()) + intname.back();
    record.partition = "default";
    record.acl = std::move(acl);
    auto writer = MailboxesWriter::open(config);
    ASSERT_TRUE(writer && writer->reserve(record) && writer->put(record) && writer->commit());
  };
  shared("news", {{"anyone", "lrs"}});
  shared("news.staff", {{"ann", "l"}, {"anyone", "r"}});
  shared("closed", {{"anyone", "lrs"}, {"-ann", "l"}});
  shared("example.org!news", {{"anyone", "lrs"}});
  shared("DELETED.old", {{"anyone", "lrs"}});
  config.autocreate.subscribe_shared_folders = "news.staff|closed|missing|user.bob|news|a//b|example.org!news";
  const auto subscribed = [&](const std::string& user) {
    EXPECT_TRUE(admin().autocreate_inbox(user, AutocreateFor::login).value());
    return read(user_file_path(admin().mailbox_info(name("user." + user))->record, "sub", config));
  };
  EXPECT_EQ(subscribed("ann"), "\x1fVER\x1f\t2\nNINBOX\t\nNnews\t\nNnews\x1fstaff\t\n");
  EXPECT_EQ(subscribed("bob"), "\x1fVER\x1f\t2\nNINBOX\t\nNclosed\t\nNnews\t\n");
  config.autocreate.subscribe_all_shared_folders = true;
  EXPECT_EQ(subscribed("carl"), "\x1fVER\x1f\t2\nNINBOX\t\nNclosed\t\nNnews\t\n");
}

TEST_F(MailboxAdminTest, AnAccessListGetsOnlyRightsAndEachIdentifierOnce) {
  config.autocreate.inbox_folders = "Spam";
  config.autocreate.acl = "Spam anyone p; Spam bob tk Spam ann lr Spam bob rl";
  ready();
  ASSERT_TRUE(admin().autocreate_inbox("ann", AutocreateFor::login).value());
  const auto spam = admin().mailbox_info(name("user.ann.Spam"));
  ASSERT_TRUE(spam) << spam.error().text;
  EXPECT_EQ(spam->record.acl, (std::vector<AclEntry>{{"ann", "lr"}, {"bob", "lr"}}));
  EXPECT_TRUE(std::ranges::any_of(logged, [](const auto& line) { return line.find("'p;'") != std::string::npos; }));
}

TEST_F(MailboxAdminTest, GroupsAreAskedForInAdminsAndAutocreateUsers) {
  ready();
  const auto* root_user = ::getpwuid(0);
  ASSERT_NE(root_user, nullptr);
  const auto* group = ::getgrgid(root_user->pw_gid);
  ASSERT_NE(group, nullptr);
  const std::string user = root_user->pw_name;
  config.autocreate.users = std::string("bob group:") + group->gr_name;
  EXPECT_FALSE(admin().autocreate_inbox("no-such-user-here", AutocreateFor::login).value());
  config.unix_groups = false;
  EXPECT_FALSE(admin().autocreate_inbox(user, AutocreateFor::login).value());
  config.unix_groups = true;
  config.admins = std::exchange(config.autocreate.users, "anyone");
  EXPECT_FALSE(admin().autocreate_inbox(user, AutocreateFor::login).value()) << "an administrator";
  config.autocreate.users = std::exchange(config.admins, "");
  EXPECT_TRUE(admin().autocreate_inbox(user, AutocreateFor::login).value());
}

TEST_F(MailboxAdminTest, AnInboxIsMadeOnlyForWhomAndWhenTheOptionsSay) {
  config.admins = "cyrus frontend";
  ready();
  const auto made = [&](const std::string& user, AutocreateFor reason) {
    return admin().autocreate_inbox(user, reason).value();
  };
  EXPECT_FALSE(made("ann", AutocreateFor::delivery)) << "autocreate_post is off";
  EXPECT_FALSE(made("cyrus", AutocreateFor::login));
  EXPECT_FALSE(made("anonymous", AutocreateFor::login));
  config.autocreate.users = "bob carl";
  EXPECT_FALSE(made("ann", AutocreateFor::login));
  EXPECT_TRUE(made("bob", AutocreateFor::login));
  config.autocreate.post = true;
  EXPECT_TRUE(made("carl", AutocreateFor::delivery));
  config.autocreate.quota_kib = -1;
  EXPECT_FALSE(made("dora", AutocreateFor::login)) << "off";
  EXPECT_EQ(live(), (std::set<std::string>{"user.bob", "user.carl"}));
  EXPECT_EQ(admin().quota_of(name("user.bob"))->value().limits, QuotaLimits{});
}

TEST_F(MailboxAdminTest, AFolderThatCannotBeMadeLeavesTheOthers) {
  config.autocreate.inbox_folders = "a//b|good";
  ready();
  ASSERT_TRUE(admin().autocreate_inbox("ann", AutocreateFor::login).value());
  EXPECT_EQ(live(), (std::set<std::string>{"user.ann", "user.ann.good"}));
  EXPECT_TRUE(std::ranges::any_of(logged, [](const auto& line) { return line.find("a//b") != std::string::npos; }));
}

TEST_F(MailboxAdminTest, APop3LoginMakesTheInbox) {
  ready();
  EXPECT_EQ(open(config, "ann")->count(), 0U);
  config.autocreate.quota_kib = -1;
  EXPECT_THROW(open(config, "bob"), std::runtime_error);
  config.autocreate.quota_kib = 0;
  EXPECT_THROW(open(config, "bob", kNoLog, "Sub"), std::runtime_error);
  EXPECT_EQ(live(), (std::set<std::string>{"user.ann"}));
}

}  // namespace
}  // namespace cyrus

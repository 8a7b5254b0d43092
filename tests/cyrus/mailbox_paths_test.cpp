#include "cyrus/mailbox_paths.hpp"

#include <gtest/gtest.h>

namespace cyrus {
namespace {

StoreConfig config_with(bool hash_spool, bool full_dir_hash = false) {
  StoreConfig config;
  config.partitions = {{"default", "/spool"}, {"fast", "/fast"}};
  config.lock_path = "/lock";
  config.hash_spool = hash_spool;
  config.full_dir_hash = full_dir_hash;
  return config;
}

MailboxRecord mailbox(std::string_view intname, std::string uniqueid, bool legacy) {
  MailboxRecord record(*MailboxName::from_intname(intname));
  record.uniqueid = std::move(uniqueid);
  record.partition = "default";
  record.legacy_layout = legacy;
  return record;
}

std::string data(std::string_view intname, const StoreConfig& config) {
  return MailboxPaths::of(mailbox(intname, "", true), config)->data_directory();
}

TEST(MailboxPaths, OfTheUniqueidLayoutFollowTheUniqueidOnly) {
  for (const bool hash : {false, true}) {
    const auto paths =
        MailboxPaths::of(mailbox("user.eve", "m6ezjlc29urvbpnuvn507t0e", false), config_with(hash, hash));
    EXPECT_EQ(paths->data_directory(), "/spool/uuid/m/6/m6ezjlc29urvbpnuvn507t0e");
    EXPECT_EQ(paths->file(MetaFile::index), "/spool/uuid/m/6/m6ezjlc29urvbpnuvn507t0e/cyrus.index");
    EXPECT_EQ(paths->message(maildrop::Uid{17}, false), "/spool/uuid/m/6/m6ezjlc29urvbpnuvn507t0e/17.");
  }
}

TEST(MailboxPaths, OfTheLegacyLayoutFollowTheName) {
  EXPECT_EQ(data("user.al^dot", config_with(false)), "/spool/user/al^dot");
  EXPECT_EQ(data("example.com!user.dom.Sub", config_with(false)), "/spool/domain/example.com/user/dom/Sub");
}

TEST(MailboxPaths, OfTheLegacyLayoutAreHashedByTheSecondComponent) {
  EXPECT_EQ(data("user.al^dot", config_with(true)), "/spool/a/user/al^dot");
  EXPECT_EQ(data("user.Al.Sub", config_with(true)), "/spool/a/user/Al/Sub");
  EXPECT_EQ(data("user.1st", config_with(true)), "/spool/q/user/1st");
  EXPECT_EQ(data("board", config_with(true)), "/spool/b/board");
  EXPECT_EQ(data("example.com!user.dom", config_with(true)), "/spool/domain/e/example.com/d/user/dom");
  EXPECT_EQ(data("DELETED.user.al^dot.6B035A5F", config_with(true)), "/spool/u/DELETED/user/al^dot/6B035A5F");
  EXPECT_EQ(data("user.alice", config_with(true, true)), "/spool/L/user/alice");
}

TEST(MailboxPaths, EachFileHasItsPartition) {
  StoreConfig config = config_with(false);
  config.metapartitions = {{"default", "/meta"}};
  config.metapartition_files = {MetaFile::index, MetaFile::header};
  config.metadirs = {{{MetaFile::header, "default"}, "/headers"}, {{MetaFile::cache, "fast"}, "/elsewhere"}};
  config.archive_partitions = {{"default", "/archive"}};
  const auto paths = MailboxPaths::of(mailbox("user.eve", "abcd", false), config);
  EXPECT_EQ(paths->file(MetaFile::header), "/headers/uuid/a/b/abcd/cyrus.header");  // the override wins
  EXPECT_EQ(paths->file(MetaFile::index), "/meta/uuid/a/b/abcd/cyrus.index");
  EXPECT_EQ(paths->file(MetaFile::cache), "/spool/uuid/a/b/abcd/cyrus.cache");  // that override is of another partition
  EXPECT_EQ(paths->file(MetaFile::archivecache), "/archive/uuid/a/b/abcd/cyrus.cache");
  EXPECT_EQ(paths->message(maildrop::Uid{1}, false), "/spool/uuid/a/b/abcd/1.");
  EXPECT_EQ(paths->message(maildrop::Uid{1}, true), "/archive/uuid/a/b/abcd/1.");
  EXPECT_EQ(paths->new_file(MetaFile::header), "/headers/uuid/a/b/abcd/cyrus.header.NEW");
}

TEST(MailboxPaths, WithoutAnArchivePartitionEverythingIsInTheData) {
  const auto paths = MailboxPaths::of(mailbox("user.eve", "abcd", false), config_with(false));
  EXPECT_EQ(paths->archive_directory(), paths->data_directory());
  EXPECT_EQ(paths->file(MetaFile::archivecache), paths->file(MetaFile::cache));
}

TEST(MailboxPaths, NeedAUsableRecordAndAKnownPartition) {
  const StoreConfig config = config_with(false);
  MailboxRecord record = mailbox("user.eve", "abcd", false);
  record.partition = "gone";
  EXPECT_EQ(MailboxPaths::of(record, config).error().code, base::Errc::invalid);
  record.partition = "default";
  record.deleted = true;
  EXPECT_EQ(MailboxPaths::of(record, config).error().code, base::Errc::invalid);
  EXPECT_EQ(MailboxPaths::of(mailbox("user.eve", "", false), config).error().code, base::Errc::invalid);
}

TEST(LockPaths, OfNamesFollowTheLayoutOfTheMailbox) {
  const StoreConfig config = config_with(true);
  EXPECT_EQ(name_lock_path(mailbox("user.bob", "c9w60olzp7jjyyfws4kly2xm", false), config),
            "/lock/c/c9w60olzp7jjyyfws4kly2xm.lock");
  EXPECT_EQ(name_lock_path(mailbox("user.bob", "5nbj", false), config), "/lock/q/5nbj.lock");
  EXPECT_EQ(name_lock_path(mailbox("user.al^dot", "abcd", true), config), "/lock/a/user/al^dot.lock");
  EXPECT_EQ(name_lock_path(mailbox("example.com!user.dom", "abcd", true), config),
            "/lock/domain/e/example.com/d/user/dom.lock");
  EXPECT_EQ(name_lock_path(mailbox("user.bob", "abcd", false), config_with(false)), "/lock/abcd.lock");
}

TEST(LockPaths, OfUsersBefore312FollowTheUserid) {
  const auto path = [](std::string_view intname, bool hash) {
    return user_lock_path_3_4(*MailboxName::from_intname(intname), config_with(hash)).native();
  };
  EXPECT_EQ(path("user.al^dot", true), "/lock/q/*U*al^dot.lock");
  EXPECT_EQ(path("user.al^dot.Sub", true), "/lock/q/*U*al^dot.lock");  // one for all mailboxes of the user
  EXPECT_EQ(path("example.com!user.dom", true), "/lock/q/*U*dom@example^com.lock");
  EXPECT_EQ(path("user.alice", false), "/lock/*U*alice.lock");
  EXPECT_EQ(path("bulletin.board", true), "/lock/q/*U*.lock");
}

TEST(LockPaths, OfUsersSince312FollowTheInbox) {
  const auto path = [](std::string_view intname, bool hash) {
    return user_lock_path_3_12(*MailboxName::from_intname(intname), config_with(hash)).native();
  };
  EXPECT_EQ(path("user.alice", true), "/lock/a/*U*user/alice.lock");
  EXPECT_EQ(path("user.alice.Sub", true), "/lock/a/*U*user/alice.lock");
  EXPECT_EQ(path("user.alice", false), "/lock/*U*user/alice.lock");
  EXPECT_EQ(path("example.com!user.dom", true), "/lock/domain/q/*U*example.com/d/user/dom.lock");
  EXPECT_EQ(path("bulletin.board", true), "/lock/q/*U*.lock");
}

TEST(LockPaths, TheGlobalOneHasNoLetter) {
  EXPECT_EQ(global_lock_path(config_with(true)), "/lock/q/$GLOBAL.lock");
  EXPECT_EQ(global_lock_path(config_with(false)), "/lock/$GLOBAL.lock");
}

}  // namespace
}  // namespace cyrus

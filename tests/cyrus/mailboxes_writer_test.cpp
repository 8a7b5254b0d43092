#include "cyrus/mailboxes_writer.hpp"

#include "cyrus/admin_support.hpp"
#include "cyrus/mailbox_record_text.hpp"

#include <fstream>

namespace cyrus {
namespace {

using base::Errc;

class MailboxesWriterTest : public AdminTest {
 protected:
  MailboxesWriterTest() { ready(); }

  MailboxRecord record(const std::string& intname, const std::string& id) const {
    MailboxRecord made(name(intname));
    made.type = "e";
    made.uniqueid = id;
    made.partition = "default";
    made.uidvalidity = 1795382168;
    made.created_modseq = 1;
    made.folder_modseq = 1;
    made.mtime = 1795382167;
    made.acl = {{"eve", "lrswipkxtecdan"}};
    return made;
  }

  void put(const MailboxRecord& mailbox) {
    auto writer = MailboxesWriter::open(config);
    ASSERT_TRUE(writer && writer->reserve(mailbox) && writer->put(mailbox) && writer->commit());
  }

  void plant(const std::string& key, const std::string& value) {
    auto writer = TwoskipWriter::open(config.mailboxes_db);
    ASSERT_TRUE(writer && writer->store(key, value) && writer->commit());
  }

  Errc refusal() const {
    const auto before = read(config.mailboxes_db);
    const auto writer = MailboxesWriter::open(config);
    EXPECT_FALSE(writer);
    EXPECT_EQ(read(config.mailboxes_db), before);
    return writer ? Errc::io : writer.error().code;
  }
};

// Texts that Cyrus 3.6.1 wrote.
TEST_F(MailboxesWriterTest, RecordsAreWrittenAsCyrusWritesThem) {
  put(record("user.eve", "m6ezjlc29urvbpnuvn507t0e"));
  const std::string rest = "P default V 1795382168 C 1 F 1 M 1795382167 A %(eve lrswipkxtecdan)";
  EXPECT_EQ(database().at("Nuser\x1f"
                          "eve"),
            "%(T e I m6ezjlc29urvbpnuvn507t0e " + rest + ')');
  EXPECT_EQ(database().at("Im6ezjlc29urvbpnuvn507t0e"),
            "%(T e N user\x1f"
            "eve " +
                rest + " H ())");
}

TEST_F(MailboxesWriterTest, ADeletedMailboxLeavesATombstoneAndItsFormerName) {
  const MailboxRecord before = record("user.eve.Sent Mail", "abcdef");
  put(before);
  MailboxRecord after = before;
  after.name = name("DELETED.user.eve.Sent Mail.6B097FE5");
  after.folder_modseq = 2;
  after.mtime = 1795784677;
  {
    auto writer = MailboxesWriter::open(config);
    ASSERT_TRUE(writer && writer->rename(before, after) && writer->commit());
  }
  const auto content = database();
  EXPECT_EQ(content.size(), 3U);
  EXPECT_EQ(content.at("Nuser\x1f"
                       "eve\x1fSent Mail"),
            "%(T ed I abcdef V 1795382168 C 1 F 2 M 1795784677)");
  EXPECT_EQ(content.at("Iabcdef"),
            "%(T e N \"DELETED\x1fuser\x1f"
            "eve\x1fSent Mail\x1f"
            "6B097FE5\" P default V 1795382168 C 1 F 2 M 1795784677 A %(eve lrswipkxtecdan) H (%(N \"user\x1f"
            "eve\x1fSent Mail\" M 1795784677 V 1795382168 C 1 F 2 T ed)))");
}

TEST_F(MailboxesWriterTest, AReservationIsAnIntermediateUntilItIsPut) {
  const MailboxRecord mailbox = record("user.eve", "abcdef");
  {
    auto writer = MailboxesWriter::open(config);
    ASSERT_TRUE(writer && writer->reserve(mailbox) && writer->commit());
  }
  EXPECT_TRUE(database().at("Iabcdef").starts_with("%(T ei N user"));
  const auto found = MailboxList(config).find(mailbox.name);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->intermediate);
  auto writer = MailboxesWriter::open(config);
  ASSERT_TRUE(writer);
  EXPECT_EQ(writer->reserve(record("user.eve", "another")).error().code, Errc::invalid);
  ASSERT_TRUE(writer->unreserve(mailbox, std::nullopt) && writer->commit());
  writer = MailboxesWriter::open(StoreConfig());  // gives the lock up
  EXPECT_TRUE(database().empty());
}

TEST_F(MailboxesWriterTest, WhatIsNotCommittedIsGone) {
  const auto before = read(config.mailboxes_db);
  {
    auto writer = MailboxesWriter::open(config);
    ASSERT_TRUE(writer && writer->reserve(record("user.eve", "abcdef")));
  }
  EXPECT_TRUE(database().empty());
  EXPECT_EQ(read(config.mailboxes_db).size(), before.size());
}

TEST_F(MailboxesWriterTest, AnExistingMailboxIsNotReservedAgain) {
  put(record("user.eve", "abcdef"));
  auto writer = MailboxesWriter::open(config);
  ASSERT_TRUE(writer);
  EXPECT_EQ(writer->reserve(record("user.eve", "another")).error().code, Errc::invalid);
}

TEST_F(MailboxesWriterTest, TheIdOfATombstoneIsFreedUnlessItLivesOn) {
  MailboxRecord tombstone = record("user.eve", "abcdef");
  put(tombstone);
  tombstone.deleted = true;
  plant(
      "Nuser\x1f"
      "eve",
      encode_name_record(tombstone));
  {
    auto writer = MailboxesWriter::open(config);
    ASSERT_TRUE(writer && writer->reserve(record("user.eve", "another")) && writer->commit());
  }
  EXPECT_FALSE(database().contains("Iabcdef"));
}

TEST_F(MailboxesWriterTest, WhatImapdConfForbidsIsRefused) {
  config.improved_mboxlist_sort = true;
  EXPECT_EQ(refusal(), Errc::unsupported);
  config.improved_mboxlist_sort = false;
  config.reverse_acls = true;
  EXPECT_EQ(refusal(), Errc::unsupported);
  config.reverse_acls = false;
  config.murder = true;
  EXPECT_EQ(refusal(), Errc::unsupported);
  config.murder = false;
  config.mailboxes_backend = "skiplist";
  EXPECT_EQ(refusal(), Errc::unsupported);
  config.mailboxes_backend = "twoskip";
  config.read_only = true;
  EXPECT_EQ(refusal(), Errc::permission);
  config.read_only = false;
  EXPECT_TRUE(MailboxesWriter::open(config));
}

TEST_F(MailboxesWriterTest, RecordsOfOtherReleasesAreRefused) {
  put(record("user.eve", "abcdef"));
  const auto good = read(config.mailboxes_db);
  for (const std::string key : {"AUx", "Jeve\x1ePz", "$RACL$x", "$RUNQ$x", "user.old", "Other"}) {
    plant(key, "");
    EXPECT_EQ(refusal(), Errc::unsupported) << key;
    std::ofstream(config.mailboxes_db, std::ios::binary) << good;
  }
  EXPECT_TRUE(MailboxesWriter::open(config));
}

TEST_F(MailboxesWriterTest, AListThatIsNotThereOrIsNoneIsNoListWithoutMailboxes) {
  std::filesystem::remove(config.mailboxes_db);
  EXPECT_EQ(MailboxesWriter::open(config).error().code, Errc::io);
  std::ofstream(config.mailboxes_db) << "user.eve\t0 default eve\tlrs\t\n";
  EXPECT_EQ(refusal(), Errc::unsupported);
}

TEST_F(MailboxesWriterTest, FieldsThatWouldBeLostAreRefused) {
  put(record("user.eve", "abcdef"));
  plant("Iabcdef",
        "%(T e N user\x1f"
        "eve X new H ())");
  auto writer = MailboxesWriter::open(config);
  ASSERT_TRUE(writer);
  EXPECT_EQ(writer->put(record("user.eve", "abcdef")).error().code, Errc::unsupported);
}

TEST_F(MailboxesWriterTest, ALockThatIsNotGivenUpIsBusy) {
  const auto reader = TwoskipFile::open(config.mailboxes_db, base::LockMode::shared);
  ASSERT_TRUE(reader);
  EXPECT_EQ(MailboxesWriter::open(config).error().code, Errc::busy);
}

}  // namespace
}  // namespace cyrus

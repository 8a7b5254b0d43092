#include "cyrus/status_cache.hpp"

#include "cyrus/twoskip_support.hpp"
#include "cyrus/twoskip_writer.hpp"
#include "support/sample_store.hpp"

#include <gtest/gtest.h>

#include <string>

namespace cyrus {
namespace {

using base::Errc;
using testing::clean_content;

MailboxName mailbox(std::string_view intname) {
  auto name = MailboxName::from_intname(intname);
  if (!name) throw std::runtime_error(name.error().text);
  return *std::move(name);
}

TEST(ParseStatus, TakesTheThreeVersions) {
  for (const char* value :
       {"I 8 (3 4 1795382205 1610612737 1307 1 99)", "I 9 (3 4 1795382205 1610612737 1307 1 99 2 800)",
        "I 10 (3 4 1795382205 1610612737 1307 1 99 2 800) m6ezjlc29urvbpnuvn507t0e"}) {
    const auto entry = parse_status(value);
    ASSERT_TRUE(entry) << value;
    EXPECT_EQ(entry->exists, 3U);
    EXPECT_EQ(entry->uidnext, 4U);
    EXPECT_EQ(entry->uidvalidity, 1795382205U);
    EXPECT_EQ(entry->options, 1610612737U);
    EXPECT_EQ(entry->quota_used, 1307U);
    EXPECT_EQ(entry->createdmodseq, 1U);
    EXPECT_EQ(entry->highestmodseq, 99U);
  }
}

TEST(ParseStatus, TakesNothingElse) {
  for (const char* value : {"", "I", "I 8", "I 8 (", "I 8 ()", "I 7 (3 4 5 6 7 8 9)", "I 11 (3 4 5 6 7 8 9)",
                            "S 8 (0 1 2)", "I 8 (3 4 5 6 7 8)", "I 8 (3 4 5 6 7 8 9", "I 8 (3 4 5 6 7 8 9) more",
                            "I 10 (3 4 5 6 7 8 9 1 2", "I 8 3 4 5 6 7 8 9", "I 8 (4294967296 4 5 6 7 8 9)",
                            "I 8 (-1 4 5 6 7 8 9)", "I 8 (3 4 5 6 7 8 0)", "I 8 (3 4 5 6 99999999999999999999 8 9)"}) {
    EXPECT_FALSE(parse_status(value)) << value;
  }
}

// The cache of a real Cyrus.
class StatusCache : public ::testing::Test {
 protected:
  StatusCache() {
    config.statuscache = true;
    config.statuscache_db = sample.root() / "conf" / "statuscache.db";
  }
  std::optional<StatusEntry> read(std::string_view intname) const {
    const auto entry = read_status(config, mailbox(intname));
    EXPECT_TRUE(entry) << entry.error().text;
    return entry ? *entry : std::nullopt;
  }
  Errc forget_failure() const {
    const auto done = forget_status(config, mailbox("user.ann^lee"));
    EXPECT_FALSE(done);
    return done ? Errc::closed : done.error().code;
  }

  support::SampleStore sample{"cyrus361-legacy-conv"};
  StoreConfig config;
};

TEST_F(StatusCache, IsReadWithNamesAsInTheIndexHeader) {
  const auto entry = read("user.ann^lee");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->exists, 2U);
  EXPECT_EQ(entry->uidnext, 4U);
  EXPECT_EQ(entry->quota_used, 847U);
  EXPECT_EQ(entry->highestmodseq, 6U);
  EXPECT_TRUE(read("example.com!user.ann^lee"));
  EXPECT_FALSE(read("user.nobody"));
}

TEST_F(StatusCache, ForgetsOneMailboxAndNoOther) {
  auto expected = *clean_content(config.statuscache_db);
  ASSERT_EQ(expected.erase("user.ann^lee%"), 1U);
  const auto done = forget_status(config, mailbox("user.ann^lee"));
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_FALSE(read("user.ann^lee"));
  EXPECT_TRUE(read("example.com!user.ann^lee"));
  EXPECT_EQ(*clean_content(config.statuscache_db), expected);
}

TEST_F(StatusCache, WhatItDoesNotKnowIsForgottenWithoutAWrite) {
  const std::string before = testing::read_file(config.statuscache_db);
  EXPECT_TRUE(forget_status(config, mailbox("user.ann")));
  EXPECT_EQ(testing::read_file(config.statuscache_db), before);
}

TEST_F(StatusCache, IsNotTouchedWhenItIsOff) {
  const std::string before = testing::read_file(config.statuscache_db);
  config.statuscache = false;
  EXPECT_TRUE(forget_status(config, mailbox("user.ann^lee")));
  EXPECT_FALSE(read("user.ann^lee"));
  EXPECT_EQ(testing::read_file(config.statuscache_db), before);
}

TEST_F(StatusCache, WithoutADatabaseThereIsNothingToDo) {
  std::filesystem::remove(config.statuscache_db);
  EXPECT_TRUE(forget_status(config, mailbox("user.ann^lee")));
  EXPECT_FALSE(read("user.ann^lee"));
  EXPECT_FALSE(std::filesystem::exists(config.statuscache_db));
  // Cyrus makes the file before it fills it.
  testing::write_file(config.statuscache_db, "");
  EXPECT_FALSE(read("user.ann^lee"));
  EXPECT_TRUE(forget_status(config, mailbox("user.ann^lee")));
}

TEST_F(StatusCache, OtherKindsOfDatabasesAreLeftAlone) {
  for (const auto& bytes : {std::string("user.ann^lee%\tI 8 (1 2 3 4 5 6 7)\n"),
                            std::string("\xa1\x02\x8b\x0dskiplist file\0\0\0", 20) + std::string(100, '\0')}) {
    testing::write_file(config.statuscache_db, bytes);
    EXPECT_EQ(forget_failure(), Errc::unsupported);
    EXPECT_EQ(read_status(config, mailbox("user.ann^lee")).error().code, Errc::unsupported);
    EXPECT_EQ(testing::read_file(config.statuscache_db), bytes);
  }
  std::filesystem::remove(config.statuscache_db);
  std::filesystem::create_directory(config.statuscache_db);  // zeroskip
  EXPECT_EQ(forget_failure(), Errc::unsupported);
  std::filesystem::remove(config.statuscache_db);
  config.statuscache_backend = "sql";  // has no file
  EXPECT_EQ(forget_failure(), Errc::unsupported);
}

TEST_F(StatusCache, ALockedDatabaseIsBusy) {
  const auto reader = TwoskipFile::open(config.statuscache_db, base::LockMode::shared);
  ASSERT_TRUE(reader);
  EXPECT_EQ(forget_failure(), Errc::busy);
  EXPECT_TRUE(read("user.ann^lee"));
}

TEST_F(StatusCache, WhatCannotBeReadIsEmptiedRatherThanTrusted) {
  const std::string good = testing::read_file(config.statuscache_db);
  const auto damage = [&](std::size_t at) {
    std::string bytes = good;
    bytes[at] ^= 4;
    testing::write_file(config.statuscache_db, bytes);
  };
  for (const std::size_t at : {std::size_t{40}, std::size_t{72}}) {  // header, dummy
    damage(at);
    ASSERT_FALSE(read_status(config, mailbox("user.ann^lee")));
    const auto done = forget_status(config, mailbox("user.ann^lee"));
    ASSERT_TRUE(done) << done.error().text;
    EXPECT_TRUE(clean_content(config.statuscache_db)->empty());
  }
  // A record on the way to the key, in a file that is otherwise clean.
  damage(good.rfind("example.com!user.ann^lee%I"));
  ASSERT_TRUE(forget_status(config, mailbox("user.ann^lee")));
  EXPECT_FALSE(read("user.ann^lee"));
}

TEST_F(StatusCache, AnUnfinishedTransactionIsTakenBackFirst) {
  testing::write_file(config.statuscache_db, testing::read_file(config.statuscache_db) + "half a record");
  EXPECT_TRUE(read("user.ann^lee"));
  ASSERT_TRUE(forget_status(config, mailbox("user.ann^lee")));
  EXPECT_FALSE(read("user.ann^lee"));
  EXPECT_TRUE(clean_content(config.statuscache_db));
}

}  // namespace
}  // namespace cyrus

#include "config/imapd_conf.hpp"
#include "cyrus/append.hpp"
#include "cyrus/delivery_support.hpp"
#include "cyrus/index_reader.hpp"
#include "cyrus/mailbox_check.hpp"
#include "cyrus/open_mailbox.hpp"
#include "cyrus/stored_guids.hpp"
#include "support/sample_store.hpp"

#include <gtest/gtest.h>

#include <vector>

// Several messages in one step, as an import brings them.

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;

std::string text_of(std::size_t number) {
  return "Subject: " + std::to_string(number) + "\r\nDate: Thu, 26 Nov 2026 12:00:00 +0000\r\n\r\n" +
         std::string(number % 100, 'x') + "\r\n";
}

class AppendBatchTest : public ::testing::Test {
 protected:
  AppendBatchTest()
      : config_(store_config(config::ImapdConf::load(sample_.imapd_conf(), "").value()).value()),
        files_(support::mailbox_files(config_, "user.bob")),
        mailboxes_(config_) {}

  std::vector<StagedMessage> staged(std::size_t count) const {
    std::vector<StagedMessage> messages;
    for (std::size_t i = 0; i < count; ++i) {
      IntakeOptions options;
      options.internaldate = 1'700'000'000 + i;
      messages.push_back(stage(config_, text_of(i), options));
    }
    return messages;
  }

  base::Result<std::vector<Appended>> append(const std::vector<StagedMessage>& messages,
                                             bool ignore_quota = true) const {
    constexpr std::uint32_t kFlags[] = {0, flag_bit::kSeen, flag_bit::kSeen | flag_bit::kAnswered, flag_bit::kFlagged,
                                        flag_bit::kDeleted | flag_bit::kDraft};
    std::vector<BatchMessage> batch;
    for (std::size_t i = 0; i < messages.size(); ++i) batch.push_back({&messages[i], kFlags[i % 5]});
    AppendOptions options;
    options.strict_quota = true;
    options.ignore_quota = ignore_quota;
    return append_messages(bob_, batch, options, config_, mailboxes_, kNoLog);
  }

  /// Both checkers, and that nothing stays behind.
  void expect_order() const {
    EXPECT_EQ(support::check_store(config_), Strings{});
    const auto report = check_mailbox(bob_, config_, mailboxes_, CheckOptions{true}, [] {});
    ASSERT_TRUE(report) << report.error().text;
    for (const Problem& problem : report->problems) ADD_FAILURE() << problem.text;
    EXPECT_EQ(staged_files(config_), Strings{});
  }

  support::SampleStore sample_{"cyrus361-uuid"};
  StoreConfig config_;
  support::MailboxFiles files_;
  MailboxList mailboxes_;
  MailboxName bob_ = MailboxName::from_intname("user.bob").value();
};

TEST_F(AppendBatchTest, IsThereAsAWholeInItsOrder) {
  for (const std::size_t count : {1U, 2U, 300U}) {
    const IndexHeader before = header_of(files_.index);
    {
      const auto messages = staged(count);
      const auto appended = append(messages);
      ASSERT_TRUE(appended) << appended.error().text;
      ASSERT_EQ(appended->size(), count);
      for (std::size_t i = 0; i < count; ++i) {
        EXPECT_EQ((*appended)[i].uid, before.last_uid + 1 + i);
        EXPECT_EQ(content_of(files_.data_directory / (std::to_string(before.last_uid + 1 + i) + ".")), text_of(i));
      }
    }
    const IndexHeader after = header_of(files_.index);
    EXPECT_EQ(after.exists, before.exists + count);
    EXPECT_EQ(after.highestmodseq, before.highestmodseq + count);
    expect_order();
  }
}

TEST_F(AppendBatchTest, HasFlagsAndDates) {
  const auto messages = staged(3);
  ASSERT_TRUE(append(messages));
  const auto mailbox = open_mailbox(bob_, config_, mailboxes_, base::LockMode::shared);
  ASSERT_TRUE(mailbox);
  const auto index = IndexReader::open(mailbox->locks.index_fd(), "cyrus.index");
  ASSERT_TRUE(index);
  std::vector<IndexRecord> records;
  const auto read = index->for_each([&](const IndexRecord& record) -> base::Result<void> {
    records.push_back(record);
    return {};
  });
  ASSERT_TRUE(read);
  const IndexRecord& last = records.back();
  EXPECT_EQ(last.flags, flag_bit::kSeen | flag_bit::kAnswered);
  EXPECT_EQ(last.internaldate.seconds, 1'700'000'002U);
  EXPECT_EQ(last.gmtime.seconds, 1'795'694'400U);  // the Date of its header
  EXPECT_EQ(records[records.size() - 3].flags, 0U);
}

TEST_F(AppendBatchTest, IsNotThereAtAllWhenOneMessageCannotBe) {
  const IndexHeader before = header_of(files_.index);
  // A directory under the name of the fourth: nothing that could be removed or replaced.
  const fs::path obstacle = files_.data_directory / (std::to_string(before.last_uid + 4) + ".");
  fs::create_directory(obstacle);
  const auto contents = support::tree_contents(sample_.root());
  {
    const auto messages = staged(10);
    EXPECT_FALSE(append(messages));
  }
  EXPECT_EQ(support::differences(contents, support::tree_contents(sample_.root())), Strings{});
  fs::remove(obstacle);
  expect_order();
  const auto messages = staged(10);
  EXPECT_TRUE(append(messages));
}

TEST_F(AppendBatchTest, IsHeldAgainstTheQuotaAsAWhole) {
  const auto messages = staged(3);
  const auto quota = [this](const char* text) { std::ofstream(config_.config_directory / "quota/b/user.bob") << text; };
  for (const char* full : {"%(S (926 1) M (2 50))\n", "%(S (926 1000) M (2 4))\n"}) {
    quota(full);
    const auto refused = append(messages, false);
    ASSERT_FALSE(refused) << full;
    EXPECT_EQ(refused.error().code, Errc::limit);
  }
  quota("%(S (926 1000) M (2 5))\n");
  EXPECT_TRUE(append(messages, false));
  EXPECT_TRUE(append(messages, true));
}

TEST_F(AppendBatchTest, CountsWhatIsStored) {
  const auto messages = staged(4);
  ASSERT_TRUE(append(messages));
  ASSERT_TRUE(append(messages));
  const auto guids = read_stored_guids(bob_, config_, mailboxes_);
  ASSERT_TRUE(guids);
  for (const StagedMessage& message : messages) EXPECT_EQ(guids->at(message.facts().guid), 2U);
  EXPECT_EQ(guids->size(), 6U);
}

}  // namespace
}  // namespace cyrus

#include "cyrus/vanished.hpp"

#include "base/file_io.hpp"
#include "cyrus/admin_support.hpp"
#include "cyrus/delivery_support.hpp"
#include "cyrus/mailbox_paths.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <string>

namespace cyrus {
namespace {

/// A session in the INBOX of ann, who has one message.
class VanishedTest : public AdminTest {
 protected:
  VanishedTest() {
    record_ = ready().create_mailbox(name("user.ann")).value();
    if (!deliver(config, "ann", kMessage)) throw std::runtime_error("no delivery");
    drop_ = open(config, "ann", log);
  }

  std::filesystem::path index_file() const { return MailboxPaths::of(record_, config).value().file(MetaFile::index); }

  MailboxRecord record_{name("user.ann")};
  std::unique_ptr<maildrop::Maildrop> drop_;
};

TEST_F(VanishedTest, AMailboxThatOnlyChangesIsThere) {
  EXPECT_FALSE(drop_->is_gone());
  ASSERT_TRUE(deliver(config, "ann", "Subject: two\r\n\r\nbody\r\n"));
  auto other = open(config, "ann", log);
  other->mark_deleted(maildrop::MessageNumber{1});
  ASSERT_TRUE(other->update());
  EXPECT_FALSE(drop_->is_gone());
}

TEST_F(VanishedTest, ADeletedMailboxIsGoneAlsoWhenThereIsANewOneOfItsName) {
  ASSERT_TRUE(admin().delete_mailbox(name("user.ann")));
  EXPECT_TRUE(drop_->is_gone());
  ASSERT_TRUE(admin().create_mailbox(name("user.ann")));
  EXPECT_TRUE(drop_->is_gone());
  EXPECT_FALSE(open(config, "ann", log)->is_gone());
}

TEST_F(VanishedTest, AMailboxWhoseFilesAreAboutToGoIsGone) {
  // The option bit that Cyrus sets in the legacy layout, and the CRC that goes with it.
  const auto file = base::open_file(index_file(), O_RDWR).value();
  auto index = IndexReader::open(file.value(), "index").value();
  const support::MailboxFiles files = support::mailbox_files(config, "user.ann");
  std::string bytes = read(index_file());
  bytes[static_cast<std::size_t>(index.header().format_table->header.options.at)] |= '\x80';
  std::ofstream(index_file(), std::ios::binary) << bytes;
  support::make_consistent(files);
  EXPECT_TRUE(drop_->is_gone());
}

TEST_F(VanishedTest, WhatCannotBeFoundOutIsNoReasonToEnd) {
  const auto file = base::open_file(index_file(), O_RDWR).value();
  {
    const auto lock = base::FileLock::try_lock(file.value(), base::LockMode::exclusive, "index").value();
    EXPECT_FALSE(drop_->is_gone());
  }
  std::filesystem::rename(index_file(), index_file().native() + ".away");
  EXPECT_FALSE(drop_->is_gone());
  std::filesystem::rename(config.mailboxes_db, config.mailboxes_db.native() + ".away");
  std::ofstream(config.mailboxes_db) << "a text";
  EXPECT_FALSE(drop_->is_gone());
}

}  // namespace
}  // namespace cyrus

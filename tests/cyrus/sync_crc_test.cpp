#include "cyrus/sync_crc.hpp"

#include "base/file_io.hpp"
#include "config/imapd_conf.hpp"
#include "cyrus/index_reader.hpp"
#include "cyrus/mailbox_header.hpp"
#include "cyrus/mailbox_list.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "support/sample_store.hpp"
#include "support/store_checker.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <string>
#include <vector>

namespace cyrus {
namespace {

StoreConfig config_of(const support::SampleStore& sample) {
  return store_config(config::ImapdConf::load(sample.imapd_conf(), "pop3").value()).value();
}

// None of the samples has a stored annotation of a message, so the record fields must give the whole checksum.
TEST(SyncCrc, IsWhatEveryMailboxOfRealCyrusSays) {
  std::size_t mailboxes = 0;
  for (const char* name :
       {"cyrus361-one", "cyrus361-uuid", "cyrus361-legacy-conv", "cyrus3121-uuid", "cyrus-v20-uuid"}) {
    const support::SampleStore sample(name);
    const StoreConfig config = config_of(sample);
    EXPECT_EQ(support::check_store(config), std::vector<std::string>{});
    const MailboxList list(config);
    const auto walked = list.for_each([&](base::Result<MailboxRecord> record) {
      if (!record->usable()) return true;
      const auto paths = MailboxPaths::of(*record, config).value();
      const auto header = parse_mailbox_header(base::read_file(paths.file(MetaFile::header), 100'000).value(), "h");
      const auto fd = base::open_file(paths.file(MetaFile::index), O_RDONLY);
      const auto index = IndexReader::open(fd->value(), "index");
      std::uint32_t basic = 0;
      std::uint32_t annot = kSyncCrcAnnotStart;
      const auto read = index->for_each([&](const IndexRecord& message) {
        basic ^= sync_crc_basic(message, header->user_flags);
        annot ^= sync_crc_virtual_annotations(index->header().minor_version, message);
        return base::Result<void>();
      });
      EXPECT_TRUE(read);
      EXPECT_EQ(basic, index->header().sync_crc_basic) << record->name.intname();
      EXPECT_EQ(annot, index->header().sync_crc_annot) << record->name.intname();
      ++mailboxes;
      return true;
    });
    ASSERT_TRUE(walked) << walked.error().text;
  }
  EXPECT_EQ(mailboxes, 12u);
}

IndexRecord message() {
  IndexRecord record;
  record.uid = 2;
  record.modseq = 3;
  record.last_updated.seconds = 1795382167;
  record.internaldate.seconds = 1795382167;
  record.guid = {0x05, 0x44, 0x81, 0xa3, 0x44, 0xb5, 0xa4, 0xdc, 0x25, 0x01,
                 0xd8, 0x2b, 0x2e, 0xf8, 0xab, 0xe1, 0xf5, 0x4e, 0x55, 0xae};
  record.savedate.seconds = 1795382167;
  record.createdmodseq = 3;
  return record;
}

TEST(SyncCrc, IsThatOfTheWorkedExample) {
  EXPECT_EQ(sync_crc_basic(message(), {}), 0x5f21527cU);
  EXPECT_EQ(kSyncCrcAnnotStart ^ sync_crc_virtual_annotations(17, message()), 0xe8fa9975U);
}

TEST(SyncCrc, CountsNoExpungedMessage) {
  IndexRecord record = message();
  record.flags = flag_bit::kExpunged;
  EXPECT_EQ(sync_crc_basic(record, {}), 0u);
  EXPECT_EQ(sync_crc_virtual_annotations(17, record), 0u);
}

TEST(SyncCrc, TakesUserFlagsByNameAndIgnoresCase) {
  IndexRecord record = message();
  const std::uint32_t without = sync_crc_basic(record, {"", "Work"});
  record.user_flags[0] = 0b11;  // slot 0 is free
  const std::uint32_t with = sync_crc_basic(record, {"", "Work"});
  EXPECT_NE(with, without);
  EXPECT_EQ(sync_crc_basic(record, {"", "WORK"}), with);
  record.user_flags[0] = 0b1;
  EXPECT_EQ(sync_crc_basic(record, {"", "Work"}), without);
}

TEST(SyncCrc, WritesConversationsAsEachReleaseDoes) {
  IndexRecord record;
  record.uid = 1;
  record.cid = 0x0123456789abcdef;
  const auto thrid = [](std::string_view value) {
    return sync_crc_annotation(1, "/vendor/cmu/cyrus-imapd/thrid", "", value);
  };
  EXPECT_EQ(sync_crc_virtual_annotations(17, record), thrid("123456789abcdef"));
  EXPECT_EQ(sync_crc_virtual_annotations(20, record), thrid("0123456789abcdef"));
}

}  // namespace
}  // namespace cyrus

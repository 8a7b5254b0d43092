#include "support/store_checker.hpp"

#include "base/byte_order.hpp"
#include "base/crc32.hpp"
#include "base/file_io.hpp"
#include "config/imapd_conf.hpp"
#include "support/sample_store.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

// A checker that finds nothing would make every test of UPDATE pass.

namespace cyrus {
namespace {

class StoreCheckerTest : public ::testing::Test {
 protected:
  StoreCheckerTest() : config_(store_config(config::ImapdConf::load(sample_.imapd_conf(), "pop3").value()).value()) {
    files_ = support::mailbox_files(config_, "user.bob");
  }

  std::size_t complaints() const { return support::check_store(config_).size(); }

  /// Changes a byte of the header or a record, with or without a CRC that fits.
  void change(std::size_t at, bool with_crc) const {
    std::string bytes = base::read_file(files_.index, 100'000).value();
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    const std::size_t begin = at < 160 ? 0 : (at - 160) / 112 * 112 + 160;
    const std::size_t size = at < 160 ? 160 : 112;
    const std::span piece(reinterpret_cast<unsigned char*>(bytes.data()) + begin, size);
    if (with_crc) base::store_be32(piece, size - 4, base::crc32(piece.first(size - 4)));
    std::ofstream(files_.index, std::ios::binary) << bytes;
  }

  support::SampleStore sample_{"cyrus361-uuid"};
  StoreConfig config_;
  support::MailboxFiles files_;
};

TEST_F(StoreCheckerTest, IsContentWithRealCyrus) { EXPECT_EQ(complaints(), 0u); }

TEST_F(StoreCheckerTest, NoticesEveryNumberOfTheHeader) {
  // last_uid, used, deleted, answered, flagged, highestmodseq, exists, header CRC, both sync CRCs, annotations, unseen
  for (const std::size_t at : std::vector<std::size_t>{28, 39, 51, 55, 59, 72, 87, 96, 100, 119, 120, 127}) {
    change(at, true);
    // A highestmodseq that is too high is no contradiction.
    EXPECT_EQ(complaints() != 0, at != 72 && at != 28) << at;
    change(at, true);
  }
  EXPECT_EQ(complaints(), 0u);
}

TEST_F(StoreCheckerTest, NoticesEveryNumberOfARecord) {
  // uid, internaldate, size, last_updated, flags, guid, modseq, savedate, createdmodseq
  for (const std::size_t at : std::vector<std::size_t>{3, 7, 15, 31, 35, 60, 87, 55, 103}) {
    change(160 + at, true);
    EXPECT_NE(complaints(), 0u) << at;
    change(160 + at, true);
  }
  EXPECT_EQ(complaints(), 0u);
}

TEST_F(StoreCheckerTest, NoticesWrongCrcs) {
  for (const std::size_t at : std::vector<std::size_t>{30, 156, 160 + 20, 160 + 110}) {
    change(at, false);
    EXPECT_NE(complaints(), 0u) << at;
    change(at, false);
  }
}

TEST_F(StoreCheckerTest, NoticesAQuotaThatDoesNotFit) {
  const auto file = config_.config_directory / "quota/b/user.bob";
  for (const char* text : {"%(S (925 1000) M (2 50) AS (0) NF (1) MODSEQ 4)\n", "%(S (926) M (3) AS (0) NF (1))\n",
                           "%(S (926) M (2) AS (1) NF (1))\n", "%(S (926) M (2) AS (0) NF (2))\n"}) {
    std::ofstream(file) << text;
    EXPECT_EQ(complaints(), 1u) << text;
  }
}

TEST_F(StoreCheckerTest, NoticesMissingMessageFiles) {
  std::filesystem::remove(files_.data_directory / "2.");
  EXPECT_EQ(complaints(), 1u);
}

}  // namespace
}  // namespace cyrus

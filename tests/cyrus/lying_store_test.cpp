#include "base/crc32.hpp"
#include "base/file_io.hpp"
#include "cyrus/store.hpp"
#include "support/index_writer.hpp"
#include "support/store_maker.hpp"
#include "support/temp_directory.hpp"
#include "support/tree_contents.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <string>
#include <sys/stat.h>

// Stores that say one thing and hold another: a clear error each, and not a byte of the store changes.

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using maildrop::Access;
using maildrop::MessageNumber;

constexpr std::size_t kHeaderSize = 160;
constexpr std::size_t kRecordSize = 112;

class LyingStore : public ::testing::Test {
 protected:
  LyingStore() : maker_(directory_.path(), support::StoreShape{}, 1) {
    mailbox_ = maker_.add_plain("ann", 3);
    maker_.finish();
    store_.emplace(maker_.config(), log_);
  }

  std::string index() const { return base::read_file(mailbox_.index_file, 1 << 20).value(); }
  static void write(const fs::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }
  void write_index(const std::string& bytes) const { write(mailbox_.index_file, bytes); }

  /// `bytes` with a right CRC at the end of the piece of `size` bytes at `at`.
  static std::string with_crc(std::string bytes, std::size_t at, std::size_t size) {
    std::string crc;
    support::append_be32(crc, base::crc32(std::string_view(bytes).substr(at, size - 4)));
    return bytes.replace(at + size - 4, 4, crc);
  }

  static std::string with_be32(std::string bytes, std::size_t at, std::uint64_t number) {
    std::string digits;
    support::append_be32(digits, number);
    return bytes.replace(at, 4, digits);
  }

  /// Opens the maildrop, which must fail, and must leave everything as it is.
  base::Error open_error() {
    const auto before = support::tree_contents(directory_.path());
    const auto drop = store_->open_maildrop({"ann", ""});
    EXPECT_EQ(support::tree_contents(directory_.path()), before);
    if (drop) {
      ADD_FAILURE() << "opened";
      return base::Error{Errc::io, ""};
    }
    EXPECT_EQ(drop.error().text.find("mailbox user.ann: "), 0u) << drop.error().text;
    return drop.error();
  }

  base::Error message_error(std::uint32_t number) {
    const auto before = support::tree_contents(directory_.path());
    const auto drop = store_->open_maildrop({"ann", ""});
    if (!drop) return drop.error();
    const auto message = (*drop)->open(MessageNumber{number}, Access::may_block);
    EXPECT_EQ(support::tree_contents(directory_.path()), before);
    if (message) {
      ADD_FAILURE() << "opened";
      return base::Error{Errc::io, ""};
    }
    return message.error();
  }

  support::TempDirectory directory_;
  base::Log log_{[](base::Severity, std::string_view) {}};
  support::StoreMaker maker_;
  support::MadeMailbox mailbox_;
  std::optional<Store> store_;
};

TEST_F(LyingStore, IndexIsMissing) {
  fs::remove(mailbox_.index_file);
  EXPECT_EQ(open_error().code, Errc::corrupt);
}

TEST_F(LyingStore, IndexIsEmpty) {
  write_index("");
  EXPECT_EQ(open_error().code, Errc::corrupt);
}

TEST_F(LyingStore, IndexIsAFifoOrADirectory) {
  fs::remove(mailbox_.index_file);
  ASSERT_EQ(::mkfifo(mailbox_.index_file.c_str(), 0600), 0);
  EXPECT_EQ(open_error().code, Errc::corrupt);
  fs::remove(mailbox_.index_file);
  fs::create_directory(mailbox_.index_file);
  EXPECT_EQ(open_error().code, Errc::corrupt);
}

TEST_F(LyingStore, IndexIsShorterThanItClaims) {
  const std::string whole = index();
  for (std::size_t size = 0; size < whole.size(); size += 13) {
    write_index(whole.substr(0, size));
    EXPECT_EQ(open_error().code, Errc::corrupt) << size;
  }
}

TEST_F(LyingStore, IndexIsLongerThanItClaims) {
  // Not a lie: this is what a crashed append leaves.
  write_index(index() + std::string(1000, 'x'));
  const auto drop = store_->open_maildrop({"ann", ""});
  ASSERT_TRUE(drop) << drop.error().text;
  EXPECT_EQ((*drop)->count(), 3u);
}

TEST_F(LyingStore, IndexClaimsMoreRecordsThanThereAre) {
  for (const std::uint64_t count : {4u, 1000u, 0xffffffffu}) {
    write_index(with_crc(with_be32(index(), 20, count), 0, kHeaderSize));
    EXPECT_EQ(open_error().code, Errc::corrupt) << count;
  }
}

TEST_F(LyingStore, IndexHeaderIsTorn) {
  write_index(with_be32(index(), 44, 7));
  EXPECT_NE(open_error().text.find("wrong header CRC"), std::string::npos);
}

TEST_F(LyingStore, OneRecordIsTorn) {
  write_index(with_be32(index(), kHeaderSize + kRecordSize + 12, 7));
  const base::Error error = open_error();
  EXPECT_EQ(error.code, Errc::corrupt);
  EXPECT_EQ(error.text, "mailbox user.ann: cyrus.index: record 2: wrong CRC; run reconstruct");
}

TEST_F(LyingStore, EveryFlippedBitOfTheIndexIsNoticed) {
  const std::string whole = index();
  for (std::size_t at = 0; at < whole.size(); at += 3) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(static_cast<unsigned>(bytes[at]) ^ (1u << (at % 8)));
    write_index(bytes);
    EXPECT_FALSE(store_->open_maildrop({"ann", ""})) << at;
  }
}

TEST_F(LyingStore, RecordsAreOutOfOrder) {
  const std::string whole = index();
  write_index(whole.substr(0, kHeaderSize) + whole.substr(kHeaderSize + kRecordSize, kRecordSize) +
              whole.substr(kHeaderSize, kRecordSize) + whole.substr(kHeaderSize + 2 * kRecordSize));
  EXPECT_EQ(open_error().code, Errc::corrupt);
}

TEST_F(LyingStore, IndexIsOfAVersionThatNobodyKnows) {
  write_index(with_crc(with_be32(index(), 8, 99), 0, kHeaderSize));
  EXPECT_EQ(open_error().code, Errc::unsupported);
}

TEST_F(LyingStore, IndexIsTooOld) {
  write_index(with_be32(index(), 8, 10));
  const base::Error error = open_error();
  EXPECT_EQ(error.code, Errc::unsupported);
  EXPECT_NE(error.text.find("reconstruct -V max"), std::string::npos) << error.text;
}

TEST_F(LyingStore, MailboxIsDeletedButStillListed) {
  write_index(with_crc(with_be32(index(), 60, option_bit::kDeleted), 0, kHeaderSize));
  EXPECT_EQ(open_error().code, Errc::not_found);
}

TEST_F(LyingStore, SizesAddUpToMoreThanAListingHolds) {
  support::Random random(1);
  IndexHeader header = support::random_header(random, 20);
  header.options = 0;
  header.pop3_show_after = {};
  header.num_records = 2;
  std::string bytes;
  for (const std::uint64_t size : {std::uint64_t{1} << 62, ~std::uint64_t{0}, std::uint64_t{1} << 61}) {
    bytes = support::index_header_bytes(header);
    IndexRecord record;
    for (record.uid = 1; record.uid <= 2; ++record.uid) {
      record.size = size;
      bytes += support::index_record_bytes(20, record);
    }
    write_index(bytes);
    EXPECT_EQ(open_error().code, Errc::corrupt) << size;
  }
}

TEST_F(LyingStore, HeaderFileIsMissing) {
  fs::remove(mailbox_.header_file);
  EXPECT_EQ(open_error().code, Errc::corrupt);
}

TEST_F(LyingStore, HeaderFileHasTheWrongMagic) {
  std::string bytes = base::read_file(mailbox_.header_file, 1 << 20).value();
  bytes[5] = 'x';
  write(mailbox_.header_file, bytes);
  EXPECT_EQ(open_error().code, Errc::corrupt);
}

TEST_F(LyingStore, HeaderFileIsOfAnotherMailbox) {
  std::string bytes = base::read_file(mailbox_.header_file, 1 << 20).value();
  bytes.replace(bytes.find(mailbox_.uniqueid), 3, "zzz");
  write(mailbox_.header_file, bytes);
  const base::Error error = open_error();
  EXPECT_EQ(error.code, Errc::corrupt);
  EXPECT_NE(error.text.find("uniqueid"), std::string::npos) << error.text;
}

TEST_F(LyingStore, HeaderFileIsAFifo) {
  fs::remove(mailbox_.header_file);
  ASSERT_EQ(::mkfifo(mailbox_.header_file.c_str(), 0600), 0);
  EXPECT_EQ(open_error().code, Errc::corrupt);
}

TEST_F(LyingStore, MessageIsMissing) {
  fs::remove(mailbox_.messages[1].file);
  EXPECT_EQ(message_error(2).code, Errc::not_found);
}

TEST_F(LyingStore, MessageIsEmpty) {
  write(mailbox_.messages[1].file, "");
  const base::Error error = message_error(2);
  EXPECT_EQ(error.code, Errc::corrupt);
  EXPECT_NE(error.text.find(": 0 octets, but cyrus.index says "), std::string::npos) << error.text;
}

TEST_F(LyingStore, MessageIsLonger) {
  write(mailbox_.messages[1].file, mailbox_.messages[1].text + "x");
  EXPECT_EQ(message_error(2).code, Errc::corrupt);
}

TEST_F(LyingStore, MessageIsAFifo) {
  fs::remove(mailbox_.messages[1].file);
  ASSERT_EQ(::mkfifo(mailbox_.messages[1].file.c_str(), 0600), 0);
  EXPECT_EQ(message_error(2).code, Errc::corrupt);
}

TEST_F(LyingStore, MessageIsADirectory) {
  fs::remove(mailbox_.messages[1].file);
  fs::create_directory(mailbox_.messages[1].file);
  EXPECT_EQ(message_error(2).code, Errc::corrupt);
}

TEST_F(LyingStore, MessageIsALinkToAnotherOfTheSameSize) {
  write(directory_.path() / "secret", mailbox_.messages[1].text);
  fs::remove(mailbox_.messages[1].file);
  fs::create_symlink(directory_.path() / "secret", mailbox_.messages[1].file);
  EXPECT_EQ(message_error(2).code, Errc::corrupt);
}

}  // namespace
}  // namespace cyrus

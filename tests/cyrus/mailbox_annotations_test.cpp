#include "cyrus/mailbox_annotations.hpp"

#include "cyrus/twoskip_writer.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <string>

namespace cyrus {
namespace {

using base::Errc;
using namespace std::string_literals;

class MailboxAnnotationsTest : public ::testing::Test {
 protected:
  MailboxAnnotationsTest() { config.annotation_db = directory.path() / "annotations.db"; }

  void plant(const std::string& key, const std::string& value) {
    auto database = TwoskipWriter::open(config.annotation_db, {.create = true});
    ASSERT_TRUE(database && database->store(key, value) && database->commit());
  }

  support::TempDirectory directory;
  StoreConfig config;
};

// As Cyrus 3.6.1 wrote it.
const std::string kKey = "9n0q45z3rpf5mm6h072pabdm\0/specialuse\0[.OwNeR.]\0"s;
const std::string kValue = "\0\0\0\5\0\0\0\0\\sent\0text/plain\0"s + std::string(17, '\0');

TEST_F(MailboxAnnotationsTest, AreThoseThatCyrusWrote) {
  EXPECT_EQ(special_use_of("9n0q45z3rpf5mm6h072pabdm", config).value(), "") << "no database";
  plant(kKey, kValue);
  plant("9n0q45z3rpf5mm6h072pabdm\0/comment\0\0"s, encode_annotation_value("hello"));
  plant("9n0q45z3rpf5mm6h072pabdmx\0/comment\0\0"s, encode_annotation_value("of another"));
  EXPECT_EQ(special_use_of("9n0q45z3rpf5mm6h072pabdm", config).value(), "\\sent");
  EXPECT_EQ(special_use_of("9n0q45z3rpf5mm6h072pabd", config).value(), "");
  const auto all = mailbox_annotations("9n0q45z3rpf5mm6h072pabdm", config);
  ASSERT_TRUE(all);
  EXPECT_EQ(*all, (std::vector<MessageAnnotation>{{"/comment", "", "hello"}, {"/specialuse", "[.OwNeR.]", "\\sent"}}));
}

TEST_F(MailboxAnnotationsTest, AreWrittenAsCyrusWritesThem) {
  ASSERT_TRUE(set_special_use("9n0q45z3rpf5mm6h072pabdm", "\\sent", config));
  const auto database = TwoskipWriter::open(config.annotation_db);
  ASSERT_TRUE(database);
  EXPECT_EQ(database->find(kKey).value(), kValue);
}

TEST_F(MailboxAnnotationsTest, OfOneMailboxAreRemovedTogether) {
  plant(kKey, kValue);
  plant("other\0/comment\0\0"s, encode_annotation_value("stays"));
  ASSERT_TRUE(remove_mailbox_annotations("9n0q45z3rpf5mm6h072pabdm", config));
  EXPECT_TRUE(mailbox_annotations("9n0q45z3rpf5mm6h072pabdm", config).value().empty());
  EXPECT_EQ(mailbox_annotations("other", config).value().size(), 1U);
}

TEST_F(MailboxAnnotationsTest, AreNotWrittenInAnotherForm) {
  config.annotation_backend = "skiplist";
  EXPECT_EQ(set_special_use("id", "\\sent", config).error().code, Errc::unsupported);
  EXPECT_FALSE(std::filesystem::exists(config.annotation_db));
}

TEST_F(MailboxAnnotationsTest, HostileValuesAreRefused) {
  for (const std::string& value : {""s, "\0\0\0\x7f"s, "\xff\xff\xff\xff\0\0\0\0x"s, kValue.substr(0, 12)}) {
    plant(kKey, value);
    EXPECT_EQ(special_use_of("9n0q45z3rpf5mm6h072pabdm", config).error().code, Errc::corrupt) << value.size();
  }
}

}  // namespace
}  // namespace cyrus

#include "cyrus/message_annotations.hpp"

#include "base/file_io.hpp"
#include "cyrus/update_support.hpp"
#include "support/temp_directory.hpp"
#include "support/twoskip_writer.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <fstream>
#include <map>

namespace cyrus {
namespace {

using namespace std::string_literals;
using base::Errc;
using Annotations = std::vector<MessageAnnotation>;

TEST(ParseMessageAnnotation, ReadsEntryUserAndValue) {
  const auto shared = parse_message_annotation("/comment\0\0"s, annotation_value("text", false));
  ASSERT_TRUE(shared) << shared.error().text;
  EXPECT_EQ(**shared, (MessageAnnotation{"/comment", "", "text"}));
  const auto own = parse_message_annotation("/comment\0[.OwNeR.]\0"s, annotation_value("", false));
  EXPECT_EQ(**own, (MessageAnnotation{"/comment", std::string(kAnnotationOwner), ""}));
}

TEST(ParseMessageAnnotation, ReadsWhatOtherMachinesAndOlderReleasesWrite) {
  // A machine with 4 bytes in a long; no modseq and flags.
  const auto narrow = parse_message_annotation("/a\0\0"s, "\0\0\0\4text\0text/plain\0\0\0\0\0"s);
  ASSERT_TRUE(narrow) << narrow.error().text;
  EXPECT_EQ((**narrow).value, "text");
  const auto bare = parse_message_annotation("/a\0\0"s, "\0\0\0\1\0\0\0\0x\0"s);
  ASSERT_TRUE(bare);
  EXPECT_EQ((**bare).value, "x");
}

TEST(ParseMessageAnnotation, KnowsTombstones) {
  const auto gone = parse_message_annotation("/comment\0\0"s, annotation_value("text", true));
  ASSERT_TRUE(gone);
  EXPECT_FALSE(*gone);
}

TEST(ParseMessageAnnotation, RefusesWhatIsNoAnnotation) {
  const std::string good = annotation_value("text", false);
  for (const std::string& key : {""s, "/comment"s, "/comment\0"s, "/comment\0ann"s, "/comment\0ann\0x\0"s}) {
    EXPECT_FALSE(parse_message_annotation(key, good)) << key.size();
  }
  const std::string values[] = {""s, "\0\0\0\4"s, "\0\0\0\4text"s, "\xff\xff\xff\xff\0\0\0\0text\0"s,
                                good.substr(0, 11)};
  for (const std::string& value : values) EXPECT_FALSE(parse_message_annotation("/comment\0\0"s, value));
}

class MessageAnnotationsTest : public ::testing::Test {
 protected:
  void write(const std::map<std::string, std::string>& items) {
    support::Random random(1);
    std::ofstream(file_, std::ios::binary) << support::twoskip_bytes(items, random);
  }
  base::Result<MessageAnnotations> open() const { return MessageAnnotations::open(file_, "mailbox user.ann"); }

  support::TempDirectory directory_;
  std::filesystem::path file_ = directory_.path() / "cyrus.annotations";
};

TEST_F(MessageAnnotationsTest, GivesThoseOfOneMessage) {
  write({{"1\0/comment\0\0"s, annotation_value("one", false)},
         {"1\0/comment\0ann\0"s, annotation_value("one of ann", false)},
         {"10\0/comment\0\0"s, annotation_value("ten", false)},
         {"2\0/comment\0\0"s, annotation_value("gone", true)}});
  const auto annotations = open();
  ASSERT_TRUE(annotations) << annotations.error().text;
  EXPECT_EQ(annotations->of(1).value(), (Annotations{{"/comment", "", "one"}, {"/comment", "ann", "one of ann"}}));
  EXPECT_EQ(annotations->of(10).value(), (Annotations{{"/comment", "", "ten"}}));
  EXPECT_EQ(annotations->of(2).value(), Annotations{});
  EXPECT_EQ(annotations->of(3).value(), Annotations{});
}

TEST_F(MessageAnnotationsTest, TakesAMissingOrEmptyFileForNone) {
  EXPECT_EQ(open()->of(1).value(), Annotations{});
  std::ofstream(file_) << "";
  EXPECT_EQ(open()->of(1).value(), Annotations{});
  write({});
  EXPECT_EQ(open()->of(1).value(), Annotations{});
}

TEST_F(MessageAnnotationsTest, RefusesOtherDatabasesAndDamage) {
  std::ofstream(file_) << "1\t/comment";
  EXPECT_EQ(open().error().code, Errc::unsupported);
  write({{"1\0/comment\0\0"s, "no value"}});
  EXPECT_EQ(open()->of(1).error().code, Errc::corrupt);
  EXPECT_EQ(open()->of(2).value(), Annotations{});
}

TEST_F(MessageAnnotationsTest, IsBusyWhileSomebodyWrites) {
  write({{"1\0/comment\0\0"s, annotation_value("one", false)}});
  const auto fd = base::open_file(file_, O_RDWR);
  const auto lock = base::FileLock::try_lock(fd->value(), base::LockMode::exclusive, "writer");
  EXPECT_EQ(open().error().code, Errc::busy);
}

}  // namespace
}  // namespace cyrus

#include "cyrus/uidl.hpp"

#include <gtest/gtest.h>

namespace cyrus {
namespace {

std::string unique_id(UidlFormat format, bool new_uidl, std::uint32_t uidvalidity, std::uint32_t uid) {
  std::string text = "1 ";
  append_unique_id(UidlRule{format, uidvalidity, new_uidl}, maildrop::Uid{uid}, text);
  return text;
}

TEST(Uidl, HasTheShapeOfEachFormat) {  // RFC 1939 s7
  EXPECT_EQ(unique_id(UidlFormat::cyrus, true, 1795382168, 2), "1 1795382168.2");
  EXPECT_EQ(unique_id(UidlFormat::uidonly, true, 1795382168, 2), "1 2");
  EXPECT_EQ(unique_id(UidlFormat::dovecot, true, 1795382168, 2), "1 000000026b035b98");
  EXPECT_EQ(unique_id(UidlFormat::courier, true, 1795382168, 2), "1 1795382168-2");
}

TEST(Uidl, IsTheBareUidWithoutTheOptionBitWhateverTheFormat) {
  for (const auto format : {UidlFormat::cyrus, UidlFormat::uidonly, UidlFormat::dovecot, UidlFormat::courier}) {
    EXPECT_EQ(unique_id(format, false, 1795382168, 77), "1 77");
  }
}

TEST(Uidl, TakesTheLargestNumbers) {
  EXPECT_EQ(unique_id(UidlFormat::cyrus, true, 4294967295, 4294967295), "1 4294967295.4294967295");
  EXPECT_EQ(unique_id(UidlFormat::dovecot, true, 4294967295, 4294967295), "1 ffffffffffffffff");
}

}  // namespace
}  // namespace cyrus

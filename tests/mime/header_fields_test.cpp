#include "mime/header_fields.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mime {
namespace {

/// `[name|value]` of each field.
std::string fields_of(std::string_view header, std::size_t max_lines = 0) {
  std::string text;
  HeaderFields fields(header, max_lines);
  while (const auto field = fields.next())
    text += '[' + std::string(field->name) + '|' + std::string(field->value) + ']';
  return text;
}

TEST(HeaderFields, AreReadInOrder) { EXPECT_EQ(fields_of("A: b\r\nc:d\r\nE:\r\n\r\n"), "[A| b][c|d][E|]"); }

TEST(HeaderFields, KeepTheirFolds) {  // RFC 5322 s2.2.3
  EXPECT_EQ(fields_of("A: b\r\n\tc\r\n d\r\nE: f\r\n"), "[A| b\r\n\tc\r\n d][E| f]");
}

TEST(HeaderFields, LinesThatAreNoneAreSkipped) {
  EXPECT_EQ(fields_of(" continuation: of nothing\r\nno colon\r\nA: b\r\n"), "[A| b]");
  EXPECT_EQ(fields_of("A: b"), "[A| b]");
  EXPECT_EQ(fields_of(""), "");
}

TEST(HeaderFields, EndAtTheLineLimit) {
  EXPECT_EQ(fields_of("A: 0\r\nB: 1\r\nC: 2\r\n", 1), "[A| 0][B| 1]");
  EXPECT_EQ(fields_of("A: 0\r\n 1\r\n 2\r\nB: 3\r\n", 2), "[A| 0\r\n 1\r\n 2]");
}

TEST(HeaderFields, AValueIsUnfoldedByTakingOutLineEnds) {
  EXPECT_EQ(unfolded("  a\r\n b\r\n\tc "), "a b\tc ");
  EXPECT_EQ(unfolded(""), "");
  EXPECT_EQ(unfolded("\r\n a"), " a");
}

}  // namespace
}  // namespace mime

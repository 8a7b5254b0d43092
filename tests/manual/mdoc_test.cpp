#include "manual/mdoc.hpp"

#include <gtest/gtest.h>

#include <string>

namespace manual {
namespace {

TEST(TextLines, BeginsEachSentenceOnALineOfItsOwn) {
  EXPECT_EQ(text_lines("One. Two (or three.) Four"), "One.\nTwo (or three.)\nFour\n");
  EXPECT_EQ(text_lines(""), "");
}

TEST(TextLines, BreaksLongLinesBetweenWords) {
  const std::string word(40, 'x');
  EXPECT_EQ(text_lines(word + " " + word), word + "\n" + word + "\n");
}

TEST(TextLines, LetsNothingPassForARequestOrAnEscape) {
  EXPECT_EQ(text_lines(".so file"), "\\&.so file\n");
  EXPECT_EQ(text_lines("'tis"), "\\&'tis\n");
  EXPECT_EQ(text_lines("flag \\Deleted"), "flag \\eDeleted\n");
}

TEST(TextLines, MarksOptionsAndPages) {
  EXPECT_EQ(text_lines("See popminpoll, and cyr_expire(8)."), "See\n.Cm popminpoll ,\nand\n.Xr cyr_expire 8 .\n");
  EXPECT_EQ(text_lines("user@realm admins x_y"), "user@realm admins x_y\n");
}

TEST(Argument, IsQuotedWhereAMacroWouldTakeItForMoreOrLess) {
  EXPECT_EQ(argument("plain"), "plain");
  EXPECT_EQ(argument("two words"), "\"two words\"");
  EXPECT_EQ(argument(""), "\"\"");
  EXPECT_EQ(argument("Fl"), "\"\\&Fl\"");
  EXPECT_EQ(argument("a\"b"), "\"a\"\"b\"");
}

}  // namespace
}  // namespace manual

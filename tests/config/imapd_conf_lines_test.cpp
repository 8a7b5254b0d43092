#include "config/imapd_conf_lines.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace {

using Files = std::map<std::string, std::string>;

base::Result<std::vector<config::Statement>> parse(std::string_view text, const Files& files = {}) {
  return config::parse_imapd_conf_lines("main.conf", text, [&files](const std::string& path) {
    const auto found = files.find(path);
    if (found != files.end()) return base::Result<std::string>(found->second);
    return base::Result<std::string>(base::fail(base::Errc::not_found, "can't open configuration file " + path));
  });
}

/// "key=value" of each statement, separated by `|`; the error's text when there is one.
std::string read(std::string_view text, const Files& files = {}) {
  const auto statements = parse(text, files);
  if (!statements) return statements.error().text;
  std::string out;
  for (const auto& statement : *statements) {
    if (!out.empty()) out += '|';
    out += statement.key + "=" + statement.value;
  }
  return out;
}

TEST(ImapdConfLines, AreAKeyAColonAndAValue) {
  EXPECT_EQ(read("servername: mail.example\nsync_log:1\nxlist-Junk:\tSpam\n"),
            "servername=mail.example|sync_log=1|xlist-junk=Spam");
}

TEST(ImapdConfLines, AllowWhiteSpaceBeforeTheKeyAndAroundTheValue) {
  EXPECT_EQ(read(" \tservername:   a b\t \r\n"), "servername=a b");
}

TEST(ImapdConfLines, FoldKeysToLowerCaseButNotValues) { EXPECT_EQ(read("ServerName: Mail"), "servername=Mail"); }

TEST(ImapdConfLines, NeedTheColonRightBehindTheKey) {
  for (const std::string_view bad : {"servername : x", "servername x", "servername\tx", "servername"}) {
    EXPECT_EQ(read("a: 1\n\n" + std::string(bad) + "\n"), "main.conf: line 3: no ':' right behind 'servername'") << bad;
  }
  for (const std::string_view bad : {": x", "a.b: x", "{a}: x"}) {
    EXPECT_EQ(read("a: 1\n\n" + std::string(bad) + "\n"), "main.conf: line 3: invalid option name") << bad;
  }
}

TEST(ImapdConfLines, RefuseAnEmptyValue) {
  EXPECT_EQ(read("a: 1\nb:\n"), "main.conf: line 2: empty option value");
  EXPECT_EQ(read("b: \t \n"), "main.conf: line 1: empty option value");
}

TEST(ImapdConfLines, HaveCommentsOnlyWhereTheFirstNonBlankIsAHash) {
  EXPECT_EQ(read("# a: 1\n  \t# b: 2\nc: d # e\n#\n"), "c=d # e");
}

TEST(ImapdConfLines, MayBeEmpty) {
  EXPECT_EQ(read(""), "");
  EXPECT_EQ(read("\n \n\r\n"), "");
}

TEST(ImapdConfLines, KeepQuotesAsText) { EXPECT_EQ(read("a: \"quoted\""), "a=\"quoted\""); }

TEST(ImapdConfLines, ContinueBehindABackslashWithTheNextLineAsItStands) {
  EXPECT_EQ(read("a: one\\\n  two\\\n# three\nb: 2\n"), "a=one  two# three|b=2");
}

TEST(ImapdConfLines, ContinueOnlyWhereTheBackslashIsTheVeryLastByte) {
  EXPECT_EQ(read("a: one\\ \nb: two\\\r\nc: 3"), "a=one\\|b=two\\|c=3");
}

TEST(ImapdConfLines, ContinueCommentsToo) { EXPECT_EQ(read("# a\\\nb: 2\nc: 3\n"), "c=3"); }

TEST(ImapdConfLines, CountContinuedLinesAndNameTheFirst) {
  const auto statements = parse("a: 1\\\n2\\\n3\nb: 2\n");
  ASSERT_TRUE(statements);
  EXPECT_EQ(statements->at(0).line, 1);
  EXPECT_EQ(statements->at(1).line, 4);
}

TEST(ImapdConfLines, NeedNoNewlineAtTheEnd) {
  EXPECT_EQ(read("a: 1\nb: 2"), "a=1|b=2");
  EXPECT_EQ(read("a: 1\\"), "a=1\\");
  EXPECT_EQ(read("a: 1\\\n"), "a=1");
}

TEST(ImapdConfLines, HaveNoLimitOnLength) {
  const std::string value(100000, 'v');
  EXPECT_EQ(read("a: " + value + "\n"), "a=" + value);
}

TEST(ImapdConfLines, RefuseANulByte) {
  EXPECT_EQ(read(std::string("a: 1\nb: x\0y\n", 12)), "main.conf: line 2: a NUL byte");
}

TEST(ImapdConfLines, RefuseAKeyGivenTwiceAndNameBothLines) {
  EXPECT_EQ(read("servername: a\nother: x\n\nServerName: b\n"),
            "main.conf: line 4: option 'servername' was specified twice in config file (first in main.conf: line 1)");
}

TEST(ImapdConfLines, TakeAPrefixedKeyForAnotherOne) { EXPECT_EQ(read("a: 1\npop3_a: 2\n"), "a=1|pop3_a=2"); }

TEST(ImapdConfLines, ReadAnIncludedFileInPlace) {
  const Files files{{"/etc/b.conf", "b: 2\n@include: /etc/c.conf\nd: 4"}, {"/etc/c.conf", "c: 3"}};
  EXPECT_EQ(read("a: 1\n  @Include:  /etc/b.conf \ne: 5\n", files), "a=1|b=2|c=3|d=4|e=5");
}

TEST(ImapdConfLines, NameTheFileInWhichAStatementStands) {
  const auto statements = parse("@include: b\nc: 1\n", {{"b", "\nb: 2\n"}});
  ASSERT_TRUE(statements);
  EXPECT_EQ(statements->at(0).file, "b");
  EXPECT_EQ(statements->at(0).line, 2);
  EXPECT_EQ(statements->at(1).file, "main.conf");
  EXPECT_EQ(statements->at(1).line, 2);
}

TEST(ImapdConfLines, RefuseAnErrorInAnIncludedFileWithThatFilesLine) {
  EXPECT_EQ(read("a: 1\n@include: b\n", {{"b", "\n\nbad\n"}}), "b: line 3: no ':' right behind 'bad'");
}

TEST(ImapdConfLines, RefuseAMissingIncludedFileAndKeepTheCode) {
  const auto statements = parse("a: 1\n@include: /none\n");
  ASSERT_FALSE(statements);
  EXPECT_EQ(statements.error().text, "main.conf: line 2: can't open configuration file /none");
  EXPECT_EQ(statements.error().code, base::Errc::not_found);
}

TEST(ImapdConfLines, RefuseAFileIncludedTwiceAndSoALoop) {
  EXPECT_EQ(read("@include: b\n@include: b\n", {{"b", "b: 1"}}),
            "main.conf: line 2: configuration file 'b' included twice");
  EXPECT_EQ(read("@include: b\n", {{"b", "@include: c"}, {"c", "\n@include: b"}}),
            "c: line 2: configuration file 'b' included twice");
  EXPECT_EQ(read("@include: main.conf\n"), "main.conf: line 1: configuration file 'main.conf' included twice");
}

TEST(ImapdConfLines, RefuseAKeyGivenAgainInAnIncludedFile) {
  EXPECT_EQ(read("a: 1\n@include: b\n", {{"b", "a: 2"}}),
            "b: line 1: option 'a' was specified twice in config file (first in main.conf: line 1)");
}

TEST(ImapdConfLines, RefuseAnyOtherDirective) {
  EXPECT_EQ(read("a: 1\n\n@require: x\n"), "main.conf: line 3: invalid directive '@require'");
  EXPECT_EQ(read("@: x\n"), "main.conf: line 1: invalid directive '@'");
  EXPECT_EQ(read("@include x\n"), "main.conf: line 1: no ':' right behind '@include'");
}

TEST(ImapdConfLines, EndDeepNestingWithALimit) {
  Files files;
  for (int i = 0; i < 100; ++i) files[std::to_string(i)] = "@include: " + std::to_string(i + 1);
  const auto statements = parse("@include: 0\n", files);
  ASSERT_FALSE(statements);
  EXPECT_EQ(statements.error().code, base::Errc::limit);
}

TEST(ImapdConfLines, EndAGreatNumberOfIncludedFilesWithALimit) {
  Files files;
  std::string text;
  for (int i = 0; i < 100; ++i) {
    files[std::to_string(i)] = "";
    text += "@include: " + std::to_string(i) + "\n";
  }
  const auto statements = parse(text, files);
  ASSERT_FALSE(statements);
  EXPECT_EQ(statements.error().text, "main.conf: line 65: too many files are included");
}

}  // namespace

#include "mime/boundaries.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace mime {
namespace {

TEST(Boundaries, MatchTheirOwnLinesOnly) {  // RFC 2046 s5.1.1
  Boundaries open(false);
  open.push("b");
  EXPECT_TRUE(open.match("--b\r\n"));
  EXPECT_TRUE(open.match("--b \t\r\n"));
  EXPECT_TRUE(open.match("--b"));
  EXPECT_FALSE(open.match("--bc\r\n"));
  EXPECT_FALSE(open.match("-b\r\n"));
  EXPECT_FALSE(open.match("--\r\n"));
  EXPECT_FALSE(open.match(" --b\r\n"));
  EXPECT_EQ(open.size(), 1U);
}

TEST(Boundaries, AClosingOneIsTakenOffWithAllInsideIt) {
  Boundaries open(false);
  for (const char* boundary : {"a", "b", "c"}) open.push(boundary);
  EXPECT_TRUE(open.match("--b--\r\n"));
  EXPECT_EQ(open.size(), 1U);
  EXPECT_FALSE(open.match("--c\r\n"));
  EXPECT_TRUE(open.match("--a--junk\r\n"));
  EXPECT_EQ(open.size(), 0U);
}

TEST(Boundaries, TheOutermostThatFitsWins) {
  Boundaries open(false);
  open.push("b");
  open.push("b");
  EXPECT_TRUE(open.match("--b--\r\n"));
  EXPECT_EQ(open.size(), 0U);
}

TEST(Boundaries, MayBeLong) {
  const std::string text(1000, 'x');
  Boundaries open(false);
  open.push(text + "1");
  open.push(text + "2");
  EXPECT_TRUE(open.match("--" + text + "2\r\n"));
  EXPECT_FALSE(open.match("--" + text + "3\r\n"));
  EXPECT_TRUE(open.match("--" + text + "1--\r\n"));
  EXPECT_EQ(open.size(), 0U);
}

/// The rules without a tree: each boundary is tried in turn.
struct Plain {
  std::vector<std::string> open;

  bool match(std::string_view line) {
    if (!line.starts_with("--")) return false;
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (!line.substr(2).starts_with(open[i])) continue;
      const std::string_view after = line.substr(2 + open[i].size());
      if (after.starts_with("--")) {
        open.resize(i);
        return true;
      }
      if (after.size() < 2 || after.front() == ' ' || after.front() == '\r') return true;
    }
    return false;
  }
};

RC_GTEST_PROP(Boundaries, TheTreeFindsWhatASearchFinds, ()) {
  const auto word = rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab- ")));
  Boundaries tree(false);
  Plain plain;
  for (const std::string& boundary : *rc::gen::container<std::vector<std::string>>(word)) {
    tree.push(boundary);
    plain.open.push_back(boundary);
  }
  for (const std::string& line : *rc::gen::container<std::vector<std::string>>(word)) {
    const std::string text = "--" + line + "\r\n";
    RC_ASSERT(tree.match(text) == plain.match(text));
    RC_ASSERT(tree.size() == plain.open.size());
    if (line.ends_with('b')) {
      tree.push(line);
      plain.open.push_back(line);
    }
  }
}

}  // namespace
}  // namespace mime

#include "base/log_text.hpp"

#include "base/log.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace base {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

unsigned from_hex(char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); }
char octet(const std::string& line, std::size_t at) {
  return static_cast<char>(from_hex(line.at(at)) * 16 + from_hex(line.at(at + 1)));
}

/// What a consumer of logfmt makes of a line: written from the rules, not from the code that writes.
Fields read_logfmt(const std::string& line) {
  Fields fields;
  std::size_t at = 0;
  while (at < line.size()) {
    const auto equals = line.find('=', at);
    std::string value;
    const std::string key = line.substr(at, equals - at);
    at = equals + 1;
    if (line.at(at) == '"') {
      for (++at; line.at(at) != '"'; ++at) {
        if (line[at] != '\\') {
          value += line[at];
          continue;
        }
        const char escape = line.at(++at);
        if (escape == 'x') {
          EXPECT_EQ(line.at(at + 1), '{');
          value += octet(line, at + 2);
          EXPECT_EQ(line.at(at + 4), '}');
          at += 4;
        } else {
          value += escape == 't' ? '\t' : escape == 'n' ? '\n' : escape == 'r' ? '\r' : escape;
        }
      }
      ++at;
    } else {
      const auto end = std::min(line.find(' ', at), line.size());
      value = line.substr(at, end - at);
      at = end;
    }
    fields.emplace_back(key, value);
    if (at < line.size()) {
      EXPECT_EQ(line[at], ' ');
    }
    ++at;
  }
  return fields;
}

Fields read_bracketed(const std::string& line) {
  Fields fields;
  std::size_t at = 0;
  while (at < line.size()) {
    EXPECT_EQ(line.at(at), ' ');
    const auto open = line.find("=<", at);
    const auto close = line.find('>', open);
    std::string value;
    for (std::size_t i = open + 2; i < close; ++i) {
      if (line[i] == '\\') {
        value += octet(line, i + 2);
        i += 3;
      } else {
        value += line[i];
      }
    }
    fields.emplace_back(line.substr(at + 1, open - at - 1), value);
    at = close + 1;
  }
  return fields;
}

bool is_one_printable_line(const std::string& line) {
  return std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

TEST(Logfmt, QuotesWhatTheRulesOfCyrusNameAndNothingElse) {
  EXPECT_EQ(logfmt_value("alice"), "alice");
  EXPECT_EQ(logfmt_value("[127.0.0.1]"), "[127.0.0.1]");
  EXPECT_EQ(logfmt_value("a'b<c>{d}|~!"), "a'b<c>{d}|~!");
  EXPECT_EQ(logfmt_value(std::nullopt), "~null~");
  EXPECT_EQ(logfmt_value(""), "\"\"");
  EXPECT_EQ(logfmt_value("localhost [127.0.0.1]"), "\"localhost [127.0.0.1]\"");
  EXPECT_EQ(logfmt_value("a=b"), "\"a=b\"");
  EXPECT_EQ(logfmt_value("a\"b"), "\"a\\\"b\"");
  EXPECT_EQ(logfmt_value("a\\b"), "\"a\\\\b\"");
  EXPECT_EQ(logfmt_value("\t\n\r"), "\"\\t\\n\\r\"");
  EXPECT_EQ(logfmt_value("\x1b[2J\x7f\x80\xc3\xa9"), "\"\\x{1b}[2J\\x{7f}\\x{80}\\x{c3}\\x{a9}\"");
  EXPECT_EQ(logfmt_value(std::string_view("\0x", 2)), "\"\\x{00}x\"");
}

TEST(Logfmt, ATextThatLooksLikeNoValueIsQuoted) { EXPECT_EQ(logfmt_value("~null~"), "\"~null~\""); }

TEST(Logfmt, PairsStandInTheOrderOfTheCalls) {
  EXPECT_EQ(Logfmt("login.bad").add("u.username", "x y").add("login.tls", 1).add("r.tid", std::nullopt).line(),
            "event=login.bad u.username=\"x y\" login.tls=1 r.tid=~null~");
}

TEST(Bracketed, NothingInAValueCanEndItsField) {
  EXPECT_EQ(bracketed("user", "alice"), " user=<alice>");
  EXPECT_EQ(bracketed("user", "a> reason=<quit\\\n"), " user=<a\\x3e reason=\\x3cquit\\x5c\\x0a>");
}

RC_GTEST_PROP(Logfmt, WhateverGoesInComesOutAsTheSameFieldsOnOneLine, (std::string first, std::string second)) {
  const auto line = Logfmt("x").add("a", first).add("b", second).line();
  RC_ASSERT(is_one_printable_line(line));
  RC_ASSERT(read_logfmt(line) == (Fields{{"event", "x"}, {"a", first}, {"b", second}}));
}

RC_GTEST_PROP(Bracketed, WhateverGoesInComesOutAsTheSameFieldsOnOneLine, (std::string first, std::string second)) {
  const auto line = bracketed("a", first) + bracketed("b", second);
  RC_ASSERT(is_one_printable_line(line));
  RC_ASSERT(read_bracketed(line) == (Fields{{"a", first}, {"b", second}}));
}

RC_GTEST_PROP(Log, NoTextMakesMoreThanOneLineOrAnythingButPrintableAscii, (std::string text)) {
  std::vector<std::string> lines;
  const Log log([&](Severity, std::string_view line) { lines.emplace_back(line); });
  log.notice(text);
  RC_ASSERT(lines.size() == 1U);
  RC_ASSERT(is_one_printable_line(lines[0]));
}

}  // namespace
}  // namespace base

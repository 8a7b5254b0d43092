#include "base/ascii.hpp"
#include "pop3/session_under_test.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

// The state machine of a session against its model: a table of every verb with every kind of argument in every state,
// and random dialogues of such lines. fuzz/session_fuzz.cpp goes on from there with any octets.

namespace pop3 {
namespace {

const std::vector<std::string> kVerbs{"QUIT", "CAPA", "USER", "PASS", "APOP", "AUTH", "STLS",  "STAT",
                                      "LIST", "UIDL", "RETR", "DELE", "NOOP", "RSET", "TOP",   "LAST",
                                      "XTND", "UTF8", "LANG", "quit", "lIsT", "",     "QUIT:", "\xC2\xA0QUIT"};

const std::vector<std::string> kArguments{"",
                                          " ",
                                          "  ",
                                          " 1",
                                          "  2",
                                          " 1 ",
                                          " 1 1",
                                          " 1  1",
                                          " 2 x",
                                          " 1 2 3",
                                          " 0",
                                          " 5",
                                          " -1",
                                          " +1",
                                          " 01",
                                          " 1e1",
                                          " x",
                                          " ann",
                                          " ann ",
                                          " right",
                                          " wrong",
                                          "\t1",
                                          " 1\t1",
                                          " 1\r",
                                          "\r",
                                          " 4294967295",
                                          " 4294967296",
                                          " 4294967297",
                                          " 18446744073709551616",
                                          " 1 4294967294",
                                          " 1 4294967295",
                                          " 1 4294967296",
                                          " 1 -1",
                                          " " + std::string(400, '9'),
                                          " " + std::string(400, '0') + "1",
                                          " \x80\xff",
                                          " a\x01"
                                          "b",
                                          std::string(" a\0b", 4),
                                          std::string(8190, ' '),
                                          " " + std::string(300, 'n'),
                                          " PLAIN",
                                          " PLAIN ="};

/// Says each line to both. Empty when they agree; else what they said.
std::string disagreement(const std::vector<std::string>& lines) {
  SessionUnderTest session;
  support::SessionModel model = SessionUnderTest::model();
  for (const std::string& line : lines) {
    const std::string expected = model.reply(line);
    const std::string got = session.reply(line);
    if (got != expected) return "'" + line + "': expected " + expected + "got " + got;
    if (got == "<quit>") break;
  }
  return session.differences(model);
}

TEST(SessionModel, EveryVerbWithEveryArgumentInEveryState) {
  const std::vector<std::vector<std::string>> states{
      {}, {"USER ann"}, {"USER ann", "PASS wrong"}, {"USER ann", "PASS right"}, {"USER ann", "PASS right", "DELE 1"}};
  for (const auto& state : states) {
    for (const std::string& verb : kVerbs) {
      for (const std::string& argument : kArguments) {
        auto lines = state;
        lines.push_back(verb + argument);
        lines.emplace_back("STAT");  // in whatever state it is now
        EXPECT_EQ(disagreement(lines), "") << state.size();
      }
    }
  }
}

TEST(SessionModel, KnowsWhatItIsAModelOf) {
  support::SessionModel model = SessionUnderTest::model();
  EXPECT_EQ(model.reply("STAT"), "-ERR Unrecognized command\r\n");
  EXPECT_EQ(model.reply("USER ann"), "+OK Name is a valid mailbox\r\n");
  EXPECT_EQ(model.reply("PASS right"), "+OK Mailbox locked and ready\r\n");
  EXPECT_EQ(model.reply("TOP 1 1"), "+OK Message follows\r\nSubject: one\r\n\r\n..dot\r\n.\r\n");
  EXPECT_EQ(model.reply("DELE 1"), "+OK message deleted\r\n");
  EXPECT_EQ(model.reply("LIST"), "+OK scan listing follows\r\n2 16\r\n3 11\r\n4 26\r\n.\r\n");
}

RC_GTEST_PROP(SessionModel, RandomDialoguesAreAnsweredAlike, ()) {
  const auto line = rc::gen::map(rc::gen::pair(rc::gen::elementOf(kVerbs), rc::gen::elementOf(kArguments)),
                                 [](const auto& pair) { return pair.first + pair.second; });
  auto lines = *rc::gen::container<std::vector<std::string>>(rc::gen::weightedOneOf<std::string>(
      {{1, rc::gen::just(std::string("USER ann"))}, {1, rc::gen::just(std::string("PASS right"))}, {6, line}}));
  std::erase_if(lines, [](const std::string& said) { return base::ascii::equal_ignoring_case(said, "QUIT"); });
  RC_ASSERT(disagreement(lines) == "");
}

}  // namespace
}  // namespace pop3

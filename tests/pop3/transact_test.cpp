#include "pop3/transact.hpp"

#include "conversation.hpp"

#include <gtest/gtest.h>

namespace pop3 {
namespace {

using support::MemoryStore;

struct Transact : ::testing::Test {
  MemoryStore store = support::store_of({"Subject: a\r\n\r\none\r\n", "Subject: b\r\n\r\ntwo\r\nthree\r\n", "x"});
  maildrop::Maildrop drop = support::open_maildrop(store);

  std::string say(std::string_view line) { return pop3::say(line, drop); }
};

TEST_F(Transact, StatCountsMessagesAndOctets) {  // RFC 1939 s5, STAT
  EXPECT_EQ(say("STAT"), "+OK 3 46\r\n");
}

TEST_F(Transact, StatLeavesDeletedMessagesOut) {
  say("DELE 1");
  EXPECT_EQ(say("STAT"), "+OK 2 27\r\n");
}

TEST(TransactTotals, StatPassesFourGibibytes) {
  MemoryStore store;
  auto drop = support::maildrop_of_sizes(store, {3221225472U, 3221225472U, 45, 45, 45, 45, 45, 45});
  EXPECT_EQ(say("STAT", drop), "+OK 8 6442451214\r\n");
}

TEST(TransactTotals, EmptyMaildropIsZeroZero) {
  MemoryStore store;
  auto drop = support::open_maildrop(store);
  EXPECT_EQ(say("STAT", drop), "+OK 0 0\r\n");
  EXPECT_EQ(say("LIST 1", drop), "-ERR No such message\r\n");
}

TEST_F(Transact, ListWithoutNumberIsTheScanListing) {  // RFC 1939 s5, LIST
  EXPECT_EQ(say("LIST"), "+OK scan listing follows\r\n1 19\r\n2 26\r\n3 1\r\n.\r\n");
}

TEST_F(Transact, ListWithNumberIsOneLine) { EXPECT_EQ(say("LIST 2"), "+OK 2 26\r\n"); }

TEST_F(Transact, UidlWithoutNumberIsTheUniqueIdListing) {  // RFC 1939 s7, UIDL
  EXPECT_EQ(say("UIDL"),
            "+OK unique-id listing follows\r\n1 1795381165.11\r\n2 1795381165.12\r\n3 1795381165.13\r\n.\r\n");
}

TEST_F(Transact, UidlWithNumberIsOneLine) { EXPECT_EQ(say("UIDL 2"), "+OK 2 1795381165.12\r\n"); }

TEST_F(Transact, NumbersThatAreNotThereAreRefused) {
  for (const std::string keyword : {"LIST", "UIDL", "RETR", "DELE"}) {
    for (const auto* number : {" 0", " 4", " 4294967295"}) {
      EXPECT_EQ(say(keyword + number), "-ERR No such message\r\n") << keyword << number;
    }
  }
  EXPECT_EQ(say("TOP 0 1"), "-ERR No such message\r\n");
  EXPECT_EQ(say("TOP 4 1"), "-ERR No such message\r\n");
}

TEST_F(Transact, DeletedMessageKeepsItsNumberButLeavesTheScanListing) {  // RFC 1939 s5, DELE
  EXPECT_EQ(say("DELE 1"), "+OK message deleted\r\n");
  EXPECT_EQ(say("LIST"), "+OK scan listing follows\r\n2 26\r\n3 1\r\n.\r\n");
  for (const auto* line : {"LIST 1", "UIDL 1", "RETR 1", "DELE 1", "TOP 1 0"}) {
    EXPECT_EQ(say(line), "-ERR No such message\r\n") << line;
  }
}

TEST_F(Transact, DeleRemovesNothingBeforeTheUpdateState) {  // RFC 1939 s5, s6
  say("DELE 1");
  EXPECT_TRUE(store.updates.empty());
  EXPECT_EQ(store.messages.size(), 3U);
}

TEST_F(Transact, DeleIsRefusedWithoutTheRight) {
  EXPECT_EQ(pop3::say("DELE 1", drop, Deletion::denied), "-ERR [SYS/PERM] Permission denied\r\n");
  EXPECT_EQ(pop3::say("DELE 9", drop, Deletion::denied), "-ERR [SYS/PERM] Permission denied\r\n");
  EXPECT_EQ(drop.deleted(), 0U);
}

TEST_F(Transact, DeleIsRefusedOnAReadOnlyServer) {
  EXPECT_EQ(pop3::say("DELE 1", drop, Deletion::read_only),
            "-ERR [SYS/PERM] This connection is configured for read-only access\r\n");
  EXPECT_EQ(drop.deleted(), 0U);
}

TEST_F(Transact, NoopDoesNothing) { EXPECT_EQ(say("NOOP"), "+OK\r\n"); }  // RFC 1939 s5, NOOP

TEST_F(Transact, RsetUnmarksDeletionsAndRetrievals) {  // RFC 1939 s5, RSET
  say("DELE 1");
  say("RETR 2");
  EXPECT_EQ(say("RSET"), "+OK\r\n");
  EXPECT_EQ(say("STAT"), "+OK 3 46\r\n");
  ASSERT_TRUE(drop.update());
  EXPECT_TRUE(store.updates.at(0).deleted.empty());
  EXPECT_TRUE(store.updates.at(0).retrieved.empty());
}

TEST_F(Transact, RetrSendsTheMessage) {  // RFC 1939 s5, RETR
  EXPECT_EQ(say("RETR 2"), "+OK Message follows\r\nSubject: b\r\n\r\ntwo\r\nthree\r\n.\r\n");
}

TEST_F(Transact, RetrAsksForTheBodyOfThatMessage) {
  const Reply reply = transact(Retr{MessageNumber{2}}, drop);
  ASSERT_TRUE(std::holds_alternative<Body>(reply));
  EXPECT_EQ(std::get<Body>(reply).number, MessageNumber{2});
  EXPECT_EQ(std::get<Body>(reply).top_lines, std::nullopt);
}

TEST_F(Transact, RetrMarksNothingBeforeTheMessageIsSent) {
  transact(Retr{MessageNumber{1}}, drop);
  say("RETR 2");
  ASSERT_TRUE(drop.update());
  EXPECT_EQ(store.updates.at(0).retrieved, (std::vector<maildrop::Uid>{maildrop::Uid{12}}));
}

TEST_F(Transact, TopSendsHeadersAndLinesAndMarksNothing) {  // RFC 1939 s7, TOP
  EXPECT_EQ(say("TOP 2 1"), "+OK Message follows\r\nSubject: b\r\n\r\ntwo\r\n.\r\n");
  EXPECT_EQ(say("TOP 2 0"), "+OK Message follows\r\nSubject: b\r\n\r\n.\r\n");
  EXPECT_EQ(say("TOP 2 4294967294"), "+OK Message follows\r\nSubject: b\r\n\r\ntwo\r\nthree\r\n.\r\n");
  ASSERT_TRUE(drop.update());
  EXPECT_TRUE(store.updates.at(0).retrieved.empty());
}

TEST_F(Transact, UnreadableMessageIsAnErrorAndTheSessionGoesOn) {
  store.messages.erase(maildrop::Uid{12});
  EXPECT_EQ(say("RETR 2"), "-ERR [SYS/PERM] Could not read message file\r\n");
  store.next_failure.emplace(base::Errc::io, "disk");
  EXPECT_EQ(say("RETR 1"), "-ERR [SYS/TEMP] Could not read message file\r\n");
  EXPECT_EQ(say("RETR 1"), "+OK Message follows\r\nSubject: a\r\n\r\none\r\n.\r\n");
}

TEST_F(Transact, SyntaxIsCheckedBeforeExistence) {
  EXPECT_EQ(say("TOP 9 x"), "-ERR Invalid number of lines\r\n");
  EXPECT_EQ(say("RETR 9x"), "-ERR Unexpected extra argument\r\n");
  EXPECT_EQ(say("LIST 1x"), "-ERR Unexpected extra argument\r\n");
}

TEST_F(Transact, CommandsOfTheOtherStateAreUnrecognized) {
  for (const auto* line : {"USER ann", "PASS x", "APOP ann 0", "AUTH", "AUTH PLAIN", "STLS"}) {
    EXPECT_EQ(say(line), "-ERR Unrecognized command\r\n") << line;
  }
  EXPECT_EQ(text(transact(Stls{}, drop), drop), "-ERR Unrecognized command\r\n");
  EXPECT_EQ(text(transact(User{"ann"}, drop), drop), "-ERR Unrecognized command\r\n");
}

}  // namespace
}  // namespace pop3

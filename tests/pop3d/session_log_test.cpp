#include "pop3d/session_log.hpp"

#include <gtest/gtest.h>

namespace pop3d {
namespace {

using server::LogFormat;

SessionFacts facts() {
  SessionFacts out;
  out.id = "id-1";
  out.client = "localhost [127.0.0.1]";
  out.user = "alice";
  out.mailbox = "user.alice";
  out.end = SessionEnd::peer_lost;
  out.milliseconds = 12'034;
  out.octets_in = 752;
  out.octets_out = 5'000'000'000;
  out.messages = 7;
  out.first_id = "1795381165.1";
  out.last_id = "1795381165.9";
  out.retrieved = 5;
  out.topped = 10;
  out.deleted = 2;
  out.dropped = 1;
  return out;
}

TEST(SessionLog, CountsAndTrafficAreTheLinesOfCyrus) {
  EXPECT_EQ(counts_line(facts()), "counts: retr=<5> top=<10> dele=<2>");
  EXPECT_EQ(traffic_line(LogFormat::classic, facts()),
            "auditlog: traffic sessionid=<id-1> bytes_in=<752> bytes_out=<5000000000>");
  EXPECT_EQ(traffic_line(LogFormat::logfmt, facts()),
            "event=auditlog.traffic r.sessionid=id-1 used.bytes.in=752 used.bytes.out=5000000000");
}

TEST(SessionLog, OneLineTellsTheWholeSession) {
  EXPECT_EQ(
      session_line(LogFormat::classic, facts()),
      "session: sessionid=<id-1> client=<localhost [127.0.0.1]> user=<alice> mailbox=<user.alice> end=<peer-lost> "
      "seconds=<12.034> bytes_in=<752> bytes_out=<5000000000> messages=<7> first=<1795381165.1> last=<1795381165.9> "
      "retr=<5> top=<10> dele=<2> removed=<0> "
      "dropped=<1>");
  EXPECT_EQ(session_line(LogFormat::logfmt, facts()),
            "event=session.end r.sessionid=id-1 r.clienthost=\"localhost [127.0.0.1]\" u.username=alice "
            "mbox.name=user.alice session.end=peer-lost session.seconds=12.034 used.bytes.in=752 "
            "used.bytes.out=5000000000 pop.messages=7 pop.first=1795381165.1 pop.last=1795381165.9 pop.retr=5 "
            "pop.top=10 pop.dele=2 pop.removed=0 pop.dropped=1");
}

TEST(SessionLog, ASessionWithoutLoginHasNoUser) {
  SessionFacts stranger;
  stranger.end = SessionEnd::login_late;
  stranger.milliseconds = 5;
  const auto line = session_line(LogFormat::logfmt, stranger);
  EXPECT_NE(line.find(" u.username=~null~ mbox.name=~null~ session.end=login-late session.seconds=0.005 "),
            std::string::npos)
      << line;
}

TEST(SessionLog, AnAuditedMessageHasItsUidAndSize) {
  EXPECT_EQ(audit_line(LogFormat::classic, AuditedAction::retr, facts(), maildrop::Uid{9}, maildrop::Octets{345}),
            "auditlog: pop3.retr sessionid=<id-1> user=<alice> mailbox=<user.alice> uid=<9> size=<345>");
  EXPECT_EQ(
      audit_line(LogFormat::logfmt, AuditedAction::removed, facts(), maildrop::Uid{9}, maildrop::Octets{345}),
      "event=auditlog.pop3.removed r.sessionid=id-1 u.username=alice mbox.name=user.alice msg.uid=9 msg.size=345");
}

TEST(SessionLog, AUserCannotForgeAField) {
  SessionFacts eve = facts();
  eve.user = "eve> end=<quit";
  EXPECT_NE(session_line(LogFormat::classic, eve).find(" user=<eve\\x3e end=\\x3cquit> mailbox=<"), std::string::npos);
}

TEST(SessionLog, EveryEndHasAWordOfItsOwn) {
  for (int i = 0; i <= static_cast<int>(SessionEnd::failed); ++i) {
    EXPECT_NE(name(static_cast<SessionEnd>(i)), "");
    for (int j = 0; j < i; ++j) EXPECT_NE(name(static_cast<SessionEnd>(i)), name(static_cast<SessionEnd>(j)));
  }
}

}  // namespace
}  // namespace pop3d

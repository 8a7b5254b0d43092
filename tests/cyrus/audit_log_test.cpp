#include "cyrus/audit_log.hpp"

#include <gtest/gtest.h>

namespace cyrus {
namespace {

TEST(AuditLines, AreThoseOfCyrus36) {
  const AuditLines lines("id-1", "user.ann", "m6ez");
  IndexRecord record;
  record.uid = 2;
  record.modseq = 5;
  record.size = 437;
  record.guid[0] = 0x05;
  record.guid[19] = 0xae;
  record.flags = flag_bit::kDeleted | flag_bit::kExpunged;
  const std::string where = " sessionid=<id-1> mailbox=<user.ann> uniqueid=<m6ez>";
  const std::string guid = "05" + std::string(36, '0') + "ae";
  EXPECT_EQ(lines.touched(0, record), "auditlog: touched" + where + " uid=<2> guid=<" + guid +
                                          "> cid=<NIL> modseq=<5> oldflags=<> sysflags=<DE|EX>");
  EXPECT_EQ(lines.expunged(record),
            "auditlog: expunge" + where + " uid=<2> modseq=<5> sysflags=<DE|EX> guid=<" + guid + "> size=<437>");
  IndexHeader header;
  header.highestmodseq = 7;
  header.deletedmodseq = 3;
  EXPECT_EQ(lines.modseq(header), "auditlog: modseq" + where + " highestmodseq=<7> deletedmodseq=<3>");
}

TEST(AuditLines, ShowEveryFlagAndTheConversation) {
  IndexRecord record;
  record.cid = 0x0123456789abcdef;
  record.flags = 0xffffffff;
  const std::string line = AuditLines("", "user.ann", "").touched(0b10001, record);
  EXPECT_NE(line.find("cid=<0123456789abcdef>"), std::string::npos) << line;
  EXPECT_NE(line.find("oldflags=<AN|SE> sysflags=<AN|FL|DE|DR|SE|SN|SP|NC|AR|UN|EX>"), std::string::npos) << line;
}

}  // namespace
}  // namespace cyrus

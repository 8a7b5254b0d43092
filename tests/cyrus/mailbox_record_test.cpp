#include "cyrus/mailbox_record.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace cyrus {
namespace {

const MailboxName kEve = *MailboxName::from_intname("user.eve");

MailboxRecord parsed(std::string_view value, RecordForm form = RecordForm::by_name) {
  auto record = parse_mailbox_record(kEve, value, form, "mx.example.net");
  EXPECT_TRUE(record) << value << ": " << (record ? "" : record.error().text);
  return record ? *record : MailboxRecord(kEve);
}

void expect_corrupt(std::string_view value, RecordForm form = RecordForm::by_name) {
  const auto record = parse_mailbox_record(kEve, value, form, "mx.example.net");
  ASSERT_FALSE(record) << value;
  EXPECT_EQ(record.error().code, base::Errc::corrupt);
  EXPECT_NE(record.error().text.find("user.eve"), std::string::npos);
}

TEST(MailboxRecord, Of36HasAllFields) {
  const auto record =
      parsed("%(T e I m6ez P default V 1795382168 C 1 F 2 M 1795382167 A %(eve lrswipkxtecdan cyrus a))");
  EXPECT_TRUE(record.usable());
  EXPECT_FALSE(record.legacy_layout);
  EXPECT_EQ(record.uniqueid, "m6ez");
  EXPECT_EQ(record.partition, "default");
  EXPECT_EQ(record.type, "e");
  EXPECT_EQ(record.uidvalidity, 1795382168U);
  EXPECT_EQ(record.created_modseq, 1U);
  EXPECT_EQ(record.folder_modseq, 2U);
  EXPECT_EQ(record.mtime, 1795382167);
  EXPECT_EQ(record.acl, (std::vector<AclEntry>{{"eve", "lrswipkxtecdan"}, {"cyrus", "a"}}));
}

TEST(MailboxRecord, MayHaveAJmapIdAndUnknownKeys) {
  const auto record = parsed("%(Z (1 2) T e J P-F I cb7870ad-0974 P default V 3 C 1 F 1 M 2 A ())");
  EXPECT_TRUE(record.usable());
  EXPECT_EQ(record.jmap_id, "P-F");
  EXPECT_TRUE(record.acl.empty());
  EXPECT_EQ(parsed("%(T e J NIL I ab P default)").jmap_id, "");
}

TEST(MailboxRecord, TypeLettersSayWhatItIs) {
  EXPECT_TRUE(parsed("%(T el I ab P default)").legacy_layout);
  EXPECT_TRUE(parsed("%(T el I ab P default)").usable());
  struct Case {
    const char* type;
    bool MailboxRecord::*flag;
  };
  for (const Case& c :
       {Case{"ed", &MailboxRecord::deleted}, Case{"em", &MailboxRecord::moving}, Case{"er", &MailboxRecord::remote},
        Case{"ez", &MailboxRecord::reserved}, Case{"eil", &MailboxRecord::intermediate}}) {
    const auto record = parsed(std::string("%(T ") + c.type + " I ab P default)");
    EXPECT_TRUE(record.*c.flag) << c.type;
    EXPECT_FALSE(record.usable()) << c.type;
  }
}

TEST(MailboxRecord, WithoutAPartitionIsNotUsable) { EXPECT_FALSE(parsed("%(T e I ab)").usable()); }

TEST(MailboxRecord, OfAnotherServerIsRemote) {
  EXPECT_TRUE(parsed("%(T e I ab P default S other.example.net)").remote);
  EXPECT_FALSE(parsed("%(T e I ab P default S mx.example.net)").remote);
}

TEST(MailboxRecord, Of34IsAListUnderThePlainName) {
  const auto record = parsed("%(P default V 7 M 5 I 0123456789abcdef A %(eve lrs))", RecordForm::plain);
  EXPECT_TRUE(record.usable());
  EXPECT_TRUE(record.legacy_layout);
  EXPECT_EQ(record.type, "e");
  EXPECT_EQ(record.uidvalidity, 7U);
}

TEST(MailboxRecord, Of24IsALineOfText) {
  const auto record = parsed("0 default eve\tlrswipkxtecda\tanyone\tp\t", RecordForm::plain);
  EXPECT_TRUE(record.usable());
  EXPECT_TRUE(record.legacy_layout);
  EXPECT_EQ(record.partition, "default");
  EXPECT_EQ(record.uniqueid, "");
  EXPECT_EQ(record.acl, (std::vector<AclEntry>{{"eve", "lrswipkxtecda"}, {"anyone", "p"}}));
  EXPECT_TRUE(parsed("0 default ", RecordForm::plain).usable());
}

TEST(MailboxRecord, Of24MayBeginWithAList) {
  const auto record = parsed("(uniqueid 0123456789abcdef specialuse NIL) 0 default eve\tlrs\t", RecordForm::plain);
  EXPECT_EQ(record.uniqueid, "0123456789abcdef");
  EXPECT_TRUE(record.usable());
}

TEST(MailboxRecord, Of24ElsewhereNamesItsServer) {
  const auto bare = parsed("1 backend1 eve\tlrs\t", RecordForm::plain);
  EXPECT_TRUE(bare.remote);
  EXPECT_EQ(bare.server, "backend1");
  EXPECT_EQ(bare.partition, "");
  const auto both = parsed("1 backend1!fast eve\tlrs\t", RecordForm::plain);
  EXPECT_TRUE(both.remote);
  EXPECT_EQ(both.server, "backend1");
  EXPECT_EQ(both.partition, "fast");
  EXPECT_TRUE(parsed("2 default ", RecordForm::plain).reserved);
  EXPECT_TRUE(parsed("8 default ", RecordForm::plain).moving);
  EXPECT_TRUE(parsed("16 default ", RecordForm::plain).deleted);
}

TEST(MailboxRecord, RefusesNonsense) {
  for (const std::string_view value :
       {"", "%(", "%(T e P default)", "0 default ", "(T e)", "%(T e I ../../x P default)", "%(T e I a P default)",
        "%(T e I a/b P default)", "%(T e I ab P default V -1)", "%(T e I ab P default V 4294967296)",
        "%(T e I ab P default V (1))", "%(T e I ab P default M 9223372036854775808)", "%(T (e) I ab)",
        "%(T e I (ab) P default)", "%(T e I ab P default A (eve lrs))", "%(T e I ab P default A %(eve (lrs)))",
        "%(T e I ab P default A %(eve \"l r\"))"}) {
    expect_corrupt(value);
  }
  for (const std::string_view value : {"", "x default ", "256 default ", "0", "(uniqueid", "(uniqueid) 0 default ",
                                       "0 default eve", "0 default eve\tl!s\t", "(uniqueid ../x) 0 default "}) {
    expect_corrupt(value, RecordForm::plain);
  }
}

TEST(IdRecord, NamesItsMailbox) {
  EXPECT_EQ(*parse_id_record("ab",
                             "%(T e N \"example.com\x1duser\x1f"
                             "eve\" P default)"),
            "example.com\x1duser\x1f"
            "eve");
  for (const std::string_view value : {"", "%(T e)", "%(T e N NIL)", "%(T e N (a))", "(N a)"}) {
    EXPECT_FALSE(parse_id_record("ab", value)) << value;
  }
}

RC_GTEST_PROP(MailboxRecordProperty, AnyTextIsRecordOrError, (const std::string& tail)) {
  for (const auto form : {RecordForm::by_name, RecordForm::plain}) {
    for (const char* start : {"", "%(T e I ab P ", "0 default ", "(uniqueid "}) {
      const auto record = parse_mailbox_record(kEve, start + tail, form, "");
      if (record) RC_ASSERT(form == RecordForm::plain || !record->uniqueid.empty());
    }
  }
}

}  // namespace
}  // namespace cyrus

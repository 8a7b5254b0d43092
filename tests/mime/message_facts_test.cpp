#include "mime/message_facts.hpp"

#include <gtest/gtest.h>

namespace mime {
namespace {

MessageFacts facts_of(std::string_view text) { return message_facts(*parse_message(text)); }

TEST(MessageFacts, TheLastDateIsForTheIndexAndTheFirstForDuplicates) {
  const MessageFacts facts = facts_of(
      "Date: Mon, 2 Nov 2026 23:30:00 -0800\r\nMessage-ID: <1@x>\r\nDate:\r\n Tue, 3 Nov 2026 00:00:00 +0000\r\n"
      "Message-ID: <2@x>\r\n\r\n");
  EXPECT_EQ(facts.date, "Mon, 2 Nov 2026 23:30:00 -0800");
  EXPECT_EQ(facts.message_id, "<1@x>");
  EXPECT_EQ(facts.sent_day, (CalendarDay{2026, 11, 3}));
  EXPECT_EQ(facts.gmtime, 1'793'664'000);
}

TEST(MessageFacts, TheTopmostReceivedSaysWhenItCame) {
  const MessageFacts facts = facts_of(
      "Received: from a; by b\r\n\t; Mon, 2 Nov 2026 12:00:00 +0000\r\nReceived: from c; Mon, 2 Nov 2026 11:00:00 "
      "+0000\r\n\r\n");
  EXPECT_EQ(facts.received_date, 1'793'620'800);
  EXPECT_EQ(facts.delivered_internal_date, std::nullopt);
}

TEST(MessageFacts, AnInternalDateOfItsOwnIsACandidateToo) {
  const MessageFacts facts = facts_of("X-DeliveredInternalDate: Mon, 2 Nov 2026 12:00:00 +0000\r\n\r\n");
  EXPECT_EQ(facts.delivered_internal_date, 1'793'620'800);
}

TEST(MessageFacts, OneThatCannotBeReadHidesTheReceivedDate) {
  const MessageFacts facts =
      facts_of("X-DeliveredInternalDate: x\r\nReceived: a; Mon, 2 Nov 2026 12:00:00 +0000\r\n\r\n");
  EXPECT_EQ(facts.delivered_internal_date, std::nullopt);
  EXPECT_EQ(facts.received_date, std::nullopt);
}

TEST(MessageFacts, OfAMessageThatSaysNothingThereAreNone) {
  const MessageFacts facts = facts_of("Date: soon\r\nReceived: x\r\n\r\nbody");
  EXPECT_EQ(facts.header_size, 27U);
  EXPECT_EQ(facts.sent_day, std::nullopt);
  EXPECT_EQ(facts.gmtime, std::nullopt);
  EXPECT_EQ(facts.received_date, std::nullopt);
  EXPECT_EQ(facts.message_id, std::nullopt);
}

}  // namespace
}  // namespace mime

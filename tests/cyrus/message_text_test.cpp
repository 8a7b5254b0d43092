#include "cyrus/message_text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace cyrus {
namespace {

using std::string_literals::operator""s;

struct Outcome {
  std::string text;
  std::optional<TextFault> fault;
  std::uint64_t header_octets = 0;
  std::string message_id;
  std::string date;
};

Outcome run(const std::vector<std::string>& pieces, const TextRules& rules = {}) {
  MessageText text(rules);
  Outcome outcome;
  for (const std::string& piece : pieces) text.add(piece, outcome.text);
  text.finish(outcome.text);
  outcome.fault = text.fault();
  outcome.header_octets = text.header_octets();
  outcome.message_id = text.message_id();
  outcome.date = text.date();
  return outcome;
}

std::string stored(const std::string& text, const TextRules& rules = {}) { return run({text}, rules).text; }

std::optional<TextFault> fault_of(const std::string& text, const TextRules& rules = {}) {
  return run({text}, rules).fault;
}

TEST(MessageText, EndsEveryLineWithCrlf) {
  EXPECT_EQ(stored("A: 1\r\nB: 2\n\nx\r\ny\n"), "A: 1\r\nB: 2\r\n\r\nx\r\ny\r\n");
  EXPECT_EQ(stored("A: 1\r\n\r\nno end"), "A: 1\r\n\r\nno end\r\n");
  EXPECT_EQ(stored("A: 1\r\n\r\n\n\n"), "A: 1\r\n\r\n\r\n\r\n");
}

TEST(MessageText, DropsACarriageReturnThatEndsNoLine) {
  EXPECT_EQ(stored("A: 1\r2\r\r\n\r\n\rx\ry\r\r\n\r"), "A: 12\r\n\r\nxy\r\n");
}

TEST(MessageText, EndsTheHeaderOfATextThatHasNothingElse) {
  EXPECT_EQ(stored("A: 1\r\n"), "A: 1\r\n");
  EXPECT_EQ(stored("A: 1"), "A: 1\r\n");
  EXPECT_EQ(stored("A: 1\r\n\r"), "A: 1\r\n");
  EXPECT_EQ(stored(""), "");
}

TEST(MessageText, LeavesOutReturnPathWithItsContinuation) {
  EXPECT_EQ(
      stored("Return-Path: <a@b>\r\nA: 1\r\nreturn-path :\r\n <c@d>\r\n\t x\r\nB: 2\r\n y\r\n\r\nReturn-Path: z\r\n"),
      "A: 1\r\nB: 2\r\n y\r\n\r\nReturn-Path: z\r\n");
  TextRules keep;
  keep.remove_return_path = false;
  EXPECT_EQ(stored("Return-Path: <a@b>\r\n\r\n", keep), "Return-Path: <a@b>\r\n\r\n");
}

TEST(MessageText, AddsWhatIsMissingAtTheEndOfTheHeader) {
  TextRules rules;
  rules.message_id = "<new@host>";
  rules.date = "Fri, 27 Nov 2026 13:00:00 +0000";
  EXPECT_EQ(stored("A: 1\r\n\r\nx\r\n", rules),
            "A: 1\r\nMessage-ID: <new@host>\r\nDate: Fri, 27 Nov 2026 13:00:00 +0000\r\n\r\nx\r\n");
  EXPECT_EQ(stored("message-id: <a@b>\r\nDATE: today\r\n\r\n", rules), "message-id: <a@b>\r\nDATE: today\r\n\r\n");
  EXPECT_EQ(stored("", rules), "Message-ID: <new@host>\r\nDate: Fri, 27 Nov 2026 13:00:00 +0000\r\n");
}

TEST(MessageText, ReplacesEightBitOctetsInTheHeaderOnly) {
  EXPECT_EQ(stored("Subject: \xc3\xa4\r\n \xff\r\n\r\n\xc3\xa4\r\n"), "Subject: XX\r\n X\r\n\r\n\xc3\xa4\r\n");
  TextRules keep;
  keep.munge_8bit = false;
  EXPECT_EQ(stored("Subject: \xc3\xa4\r\n\r\n", keep), "Subject: \xc3\xa4\r\n\r\n");
}

TEST(MessageText, RefusesEightBitOctetsInTheHeaderWhenToldSo) {
  TextRules rules;
  rules.reject_8bit = true;
  EXPECT_EQ(fault_of("Subject: \xc3\xa4\r\n\r\n", rules), TextFault::eight_bit_header);
  EXPECT_EQ(fault_of("Subject: a\r\n\r\n\xc3\xa4\r\n", rules), std::nullopt);
}

TEST(MessageText, RefusesNulEverywhere) {
  EXPECT_EQ(fault_of("A: 1\0\r\n\r\n"s), TextFault::nul);
  EXPECT_EQ(fault_of("A\0: 1\r\n\r\n"s), TextFault::nul);
  EXPECT_EQ(fault_of("A: 1\r\n\r\nx\0\r\n"s), TextFault::nul);
  EXPECT_EQ(fault_of("A: 1\r\n\r\nx\r\n\0"s), TextFault::nul);
}

TEST(MessageText, RefusesAHeaderLineThatIsNoField) {
  for (const char* line : {"no colon", ": no name", " first line continues nothing", "From ann Fri Nov 27", "A b: c",
                           "\xc3\xa4: 1", "A\x01: 1", "A"}) {
    EXPECT_EQ(fault_of(std::string(line) + "\r\n\r\n"), TextFault::malformed_header) << line;
  }
  EXPECT_EQ(fault_of("A: 1\r\nno colon\r\n\r\n"), TextFault::malformed_header);
  EXPECT_EQ(fault_of("A :1\r\nB\t : 2\r\nC:\r\n\r\n"), std::nullopt) << "RFC 5322 s4.5 allows blanks";
  EXPECT_EQ(fault_of("A: " + std::string(2'000'000, 'x')), TextFault::malformed_header);
}

TEST(MessageText, RefusesAnEmptyMessageId) {
  EXPECT_EQ(fault_of("Message-ID:  \r\n\r\n"), TextFault::empty_message_id);
  EXPECT_EQ(fault_of("Message-ID:\r\nResent-Message-ID: <r@h>\r\n\r\n"), std::nullopt);
}

TEST(MessageText, RefusesMoreOctetsThanTheBoundAndNoneLess) {
  TextRules rules;
  rules.max_octets = 10;
  EXPECT_EQ(fault_of("A: 1\n\nx\n", rules), TextFault::too_large) << "each line end counts two";
  EXPECT_EQ(fault_of("A: 1\n\nx", rules), TextFault::too_large);
  EXPECT_EQ(fault_of("A: 1\n\nxx", rules), TextFault::too_large);
  EXPECT_EQ(fault_of("A: 1\n\n\n", rules), std::nullopt);
  rules.max_octets = 11;
  EXPECT_EQ(fault_of("A: 1\n\nx\n", rules), std::nullopt);
  EXPECT_EQ(fault_of("Return-Path: <somebody@somewhere>\nA: 1\n\nx\n", rules), std::nullopt);
}

TEST(MessageText, RemembersByWhatAMessageIsTold) {
  const auto plain = run({"Message-ID: <a@b>\r\nDate: Fri,\r\n\t27 Nov\r\nMessage-ID: <second@b>\r\n\r\n"});
  EXPECT_EQ(plain.message_id, "<a@b>");
  EXPECT_EQ(plain.date, "Fri,\t27 Nov");
  const auto resent = run({"Message-ID: <a@b>\r\nResent-Message-ID: <r@b>\r\n\r\nDate: body\r\n"});
  EXPECT_EQ(resent.message_id, "<r@b>");
  EXPECT_EQ(resent.date, "");
  EXPECT_EQ(run({"Message-ID: <" + std::string(5000, 'x') + ">\r\n\r\n"}).message_id, "");
}

TEST(MessageText, CountsTheOctetsOfTheHeader) {
  TextRules rules;
  rules.message_id = "<n@h>";
  EXPECT_EQ(run({"Return-Path: <a@b>\nA: 1\n\nx\n"}, rules).header_octets,
            std::string("A: 1\r\nMessage-ID: <n@h>\r\n\r\n").size());
  EXPECT_EQ(run({"A: 1\n"}).header_octets, 6U);
}

// What a message is made of, with all that has a rule of its own.
rc::Gen<std::string> message_text() {
  const auto word = rc::gen::element("A: 1"s, "Return-Path: <a@b>"s, "Message-ID: <x@y>"s, "Date: d"s, " more"s, "x"s,
                                     "\r"s, "\n"s, "\r\n"s, "\r\n\r\n"s, "\xe4"s, "\0"s, ":"s, ""s, "\n\n"s, "From "s);
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(word), [](const std::vector<std::string>& words) {
    std::string text = "A: 1\r\n";
    for (const std::string& one : words) text += one;
    return text;
  });
}

RC_GTEST_PROP(MessageTextProperty, AnySplitGivesTheSameResult, ()) {
  const std::string text = *message_text();
  TextRules rules;
  rules.reject_8bit = *rc::gen::arbitrary<bool>();
  rules.munge_8bit = *rc::gen::arbitrary<bool>();
  rules.max_octets = *rc::gen::element(0U, 20U, 40U);
  rules.message_id = "<n@h>";
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < text.size();) {
    const auto length = *rc::gen::inRange<std::size_t>(1, 8);
    pieces.push_back(text.substr(at, length));
    at += length;
  }
  const Outcome whole = run({text}, rules);
  const Outcome split = run(pieces, rules);
  RC_ASSERT(split.fault == whole.fault);
  if (whole.fault) return;
  RC_ASSERT(split.text == whole.text);
  RC_ASSERT(std::tie(split.header_octets, split.message_id, split.date) ==
            std::tie(whole.header_octets, whole.message_id, whole.date));
  // What was made fit once stays as it is.
  rules.max_octets = 0;
  RC_ASSERT(run({whole.text}, rules).text == whole.text);
}

}  // namespace
}  // namespace cyrus

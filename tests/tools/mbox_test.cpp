#include "tools/pillarbox/mbox.hpp"

#include "cyrus/index_record.hpp"
#include "tools/pillarbox/maildir.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace tools {
namespace {

using namespace cyrus::flag_bit;
using Texts = std::vector<std::string>;

constexpr std::size_t kEnough = 1'000'000;
const std::string kFromLine = "From ann@example.com Thu Nov 26 12:00:00 2026\n";

std::vector<SourceMessage> split(std::string_view text, MboxQuoting quoting = MboxQuoting::mboxrd,
                                 std::size_t piece = kEnough) {
  std::vector<SourceMessage> found;
  MboxSplitter splitter("x.mbox", quoting, kEnough, [&](SourceMessage&& message) -> base::Result<void> {
    found.push_back(std::move(message));
    return {};
  });
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (const auto fed = splitter.feed(text.substr(at, piece)); !fed) throw std::runtime_error(fed.error().text);
  }
  if (const auto done = splitter.finish(); !done) throw std::runtime_error(done.error().text);
  return found;
}

Texts texts(std::string_view text, MboxQuoting quoting = MboxQuoting::mboxrd) {
  Texts found;
  for (const SourceMessage& message : split(text, quoting)) found.push_back(message.text);
  return found;
}

TEST(Mbox, SplitsAtFromLinesBehindAnEmptyLine) {
  const std::string mbox = kFromLine + "Subject: a\n\none\n\n" + kFromLine + "Subject: b\n\ntwo\n" + kFromLine +
                           "is text: no empty line before\n\n";
  EXPECT_EQ(texts(mbox),
            (Texts{"Subject: a\n\none\n", "Subject: b\n\ntwo\n" + kFromLine + "is text: no empty line before\n"}));
}

TEST(Mbox, TakesNoSentenceForABeginning) {
  const std::string body = "x\n\nFrom here on it is text.\n\nFrom now, Thu it goes on\n";
  EXPECT_EQ(texts(kFromLine + "Subject: a\n\n" + body + "\n"), Texts{"Subject: a\n\n" + body});
}

TEST(Mbox, TakesQuotesAwayAsItsVariantDoes) {
  const std::string mbox = kFromLine + "A: b\n\n>From a\n>>From b\n> From c\n>Fro\n";
  EXPECT_EQ(texts(mbox, MboxQuoting::mboxrd), Texts{"A: b\n\nFrom a\n>From b\n> From c\n>Fro\n"});
  EXPECT_EQ(texts(mbox, MboxQuoting::mboxo), Texts{"A: b\n\nFrom a\n>>From b\n> From c\n>Fro\n"});
  EXPECT_EQ(texts(mbox, MboxQuoting::none), Texts{"A: b\n\n>From a\n>>From b\n> From c\n>Fro\n"});
}

TEST(Mbox, MakesFlagsOfStateFieldsAndLeavesThemOut) {
  const auto found = split(kFromLine + "Status: RO\nSubject: a\nX-Status: AF\n T\nX-UID: 7\nx-keywords:  \n\n\nb\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].text, "Subject: a\n\n\nb\n");
  EXPECT_EQ(found[0].flags, kSeen | kAnswered | kFlagged | kDraft);
}

TEST(Mbox, PassesThePseudoMessageOver) {
  const std::string pseudo =
      kFromLine + "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 1 2\n\nx\n\n";
  EXPECT_EQ(texts(pseudo + kFromLine + "A: b\n\nc\n"), Texts{"A: b\n\nc\n"});
  EXPECT_EQ(texts(kFromLine + "A: b\n\nc\n\n" + pseudo).size(), 2u);  // only in the first place
}

TEST(Mbox, KeepsCrlfAndMessagesWithoutABody) {
  EXPECT_EQ(
      texts("From a Thu Nov 26 12:00:00 2026\r\nA: b\r\n\r\nc\r\n\r\nFrom a Thu Nov 26 12:00:00 2026\r\nA: c\r\n\r\n"),
      (Texts{"A: b\r\n\r\nc\r\n", "A: c\r\n\r\n"}));
  EXPECT_EQ(texts(kFromLine), Texts{""});
  EXPECT_EQ(texts(kFromLine + "A: b"), Texts{"A: b"});
  EXPECT_EQ(texts("\n" + kFromLine + "A: b\n"), Texts{"A: b\n"});
  EXPECT_EQ(texts(""), Texts{});
}

TEST(Mbox, RefusesWhatIsNoneAndWhatIsTooLarge) {
  EXPECT_THROW(split("Subject: a\n"), std::runtime_error);
  MboxSplitter splitter("x", MboxQuoting::mboxrd, 100, [](SourceMessage&&) -> base::Result<void> { return {}; });
  ASSERT_TRUE(splitter.feed(kFromLine));
  EXPECT_EQ(splitter.feed(std::string(101, 'x')).error().code, base::Errc::limit);
}

RC_GTEST_PROP(Mbox, ReadsTheSameHoweverItIsCut, ()) {
  const auto lines = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 9));
  std::string mbox = kFromLine;
  for (const int line : lines) {
    constexpr const char* kLines[] = {"\n",       "A: b\n", " c\n", "Status: R\n", ">From \n",
                                      "From x\n", "\r\n",   "x",    "d\r\n"};
    mbox += kLines[line];
    if (line == 0) mbox += kFromLine;
  }
  const auto piece = *rc::gen::inRange<std::size_t>(1, 50);
  const auto whole = split(mbox);
  const auto cut = split(mbox, MboxQuoting::mboxrd, piece);
  RC_ASSERT(whole.size() == cut.size());
  for (std::size_t i = 0; i < whole.size(); ++i)
    RC_ASSERT(whole[i].text == cut[i].text && whole[i].flags == cut[i].flags);
}

// What was written as mboxrd comes back to the octet.
RC_GTEST_PROP(Mbox, GivesBackWhatWasQuoted, ()) {
  const auto picks = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 6));
  std::string text = "Subject: a\n\n";
  std::string quoted = text;
  for (const int pick : picks) {
    constexpr const char* kLines[] = {"\n",    "From x Thu Nov 26 12:00:00 2026\n", ">From y\n", ">>x\n", "word\n",
                                      "From\n"};
    const std::string line = kLines[pick];
    text += line;
    const auto at = line.find_first_not_of('>');
    quoted += (line.substr(at).starts_with("From ") ? ">" : "") + line;
  }
  RC_ASSERT(texts(kFromLine + quoted + "\n" + kFromLine + quoted + "\n") == (Texts{text, text}));
}

TEST(FromLine, HasADateInEveryUsualForm) {
  const std::int64_t noon = 1795694400;  // 2026-11-26 12:00:00 UTC
  for (const char* line : {"From ann@example.com Thu Nov 26 12:00:00 2026\n", "From - Thu Nov 26 12:00:00 2026\r\n",
                           "From ann Thu Nov 26 13:00:00 2026 +0100", "From ann Thu Nov 26 07:00:00 -0500 2026",
                           "From \"Ann Lee\"@x  Thu Nov 26 12:00:00 GMT 2026", "From ann Thu Nov 26 12:00 2026"}) {
    EXPECT_EQ(parse_from_line(line), noon) << line;
  }
  EXPECT_EQ(parse_from_line("From a Thu Jan  1 00:00:00 1970"), 0);
  EXPECT_EQ(parse_from_line("From a Thu Feb 29 00:00:00 2024"), 1709164800);
}

TEST(FromLine, IsNoSentence) {
  for (const char* line :
       {"From ", "From here to eternity, and at 12:00 Nov 26 2026", "from ann Thu Nov 26 12:00:00 2026",
        "From ann Thu Nov 32 12:00:00 2026", "From ann Thu Nov 26 12:00:00 26", "From ann Thu Nov 26 25:00:00 2026",
        ">From ann Thu Nov 26 12:00:00 2026"}) {
    EXPECT_EQ(parse_from_line(line), std::nullopt) << line;
  }
}

TEST(Maildir, FlagsStandBehindTwoAndComma) {
  EXPECT_EQ(maildir_flags("1.2.host:2,S"), kSeen);
  EXPECT_EQ(maildir_flags("1.2.host,S=12:2,DFRSTab"), kDraft | kFlagged | kAnswered | kSeen | kDeleted);
  EXPECT_EQ(maildir_flags("1.2.host;2,F"), kFlagged);
  EXPECT_EQ(maildir_flags("1.2,S"), 0u);
  EXPECT_EQ(maildir_flags("1.2.host"), 0u);
  EXPECT_EQ(maildir_flags("2,S"), 0u);
}

}  // namespace
}  // namespace tools

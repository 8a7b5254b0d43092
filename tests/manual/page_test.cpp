#include "manual/page.hpp"

#include "manual/option_list.hpp"
#include "manual/switch_list.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace manual {
namespace {

using config::info;
using config::Option;

TEST(OptionItem, SaysTypeMeaningUnitAndDefault) {
  const std::string item = option_item(info(Option::poptimeout));
  EXPECT_TRUE(item.starts_with(".It Cm poptimeout : Ar duration\n")) << item;
  EXPECT_NE(item.find("A number without a unit counts minutes.\n"), item.npos) << item;
  EXPECT_NE(item.find("The default is 10m.\n"), item.npos) << item;
  EXPECT_EQ(item.find("Cyrus"), item.npos) << item;
}

TEST(OptionItem, SaysWhereWeDifferFromCyrus) {
  EXPECT_NE(option_item(info(Option::allowstarttls)).find("The default is on; in Cyrus it is off.\n"),
            std::string::npos);
  EXPECT_NE(option_item(info(Option::pop3_login_deadline)).find("Cyrus has no such option.\n"), std::string::npos);
  EXPECT_NE(option_item(info(Option::tls_eccurve)).find(".Sy Differs from Cyrus :\n"), std::string::npos);
}

TEST(OptionItem, ListsTheWordsOfAChoice) {
  EXPECT_NE(option_item(info(Option::uidl_format)).find("One of these words: uidonly, cyrus, dovecot, courier.\n"),
            std::string::npos);
}

TEST(Page, PassesOnWhatIsNoDirective) {
  EXPECT_EQ(*make_page(".Dd today\n.\\\" a comment\n\ntext"), ".Dd today\n.\\\" a comment\n\ntext\n");
}

TEST(Page, NamesTheLineOfAWrongDirective) {
  EXPECT_EQ(make_page("x\n.\\\" @optons pop3\n").error().text, "2: no such directive: optons");
  EXPECT_EQ(make_page(".\\\" @options pop4\n").error().text, "1: no such group of options: pop4");
  EXPECT_EQ(make_page(".\\\" @option nothing\n").error().text, "1: no such option with an effect: nothing");
  EXPECT_EQ(make_page(".\\\" @switches cat\n").error().text, "1: no such program: cat");
}

TEST(SwitchList, SortsByLetterAndNamesValues) {
  const std::array table{base::SwitchSpec{'U', "uses", "Count."}, base::SwitchSpec{'s', "", "Small."},
                         base::SwitchSpec{'S', "", "Capital."}};
  EXPECT_EQ(switch_list(table),
            ".Bl -tag -width Ds\n.It Fl s\nSmall.\n.It Fl S\nCapital.\n.It Fl U Ar uses\nCount.\n.El\n");
  EXPECT_EQ(synopsis(table), ".Nm\n.Op Fl U Ar uses\n.Op Fl s\n.Op Fl S\n");
}

TEST(SwitchList, KnowsEachProgramAndDescribesEachOptionInSentences) {
  for (const std::string_view program : {"pop3d", "lmtpd", "master"}) {
    const auto table = find_program(program);
    ASSERT_TRUE(table) << program;
    for (const base::SwitchSpec& row : *table) {
      EXPECT_TRUE(row.help.ends_with('.')) << program << " -" << row.letter;
      EXPECT_EQ(base::find_switch(*table, row.letter), &row) << program << " has two of -" << row.letter;
    }
  }
  EXPECT_FALSE(find_program("imapd"));
}

TEST(Patterns, AreListedWithWhatTheyAreFor) {
  const std::string list = pattern_list();
  EXPECT_NE(list.find(".It Cm partition- Ns Ar NAME : Ar directory\n"), list.npos) << list;
  EXPECT_NE(list.find(".It Ar NAME Ns Cm _password : Ar text\n"), list.npos) << list;
}

}  // namespace
}  // namespace manual

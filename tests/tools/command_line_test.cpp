#include "tools/pillarbox/command_line.hpp"

#include "tools/pillarbox/commands.hpp"
#include "tools/pillarbox/help.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace tools {
namespace {

using Words = std::vector<std::string>;

base::Result<int> run_nothing(const Arguments&, Console&) { return 0; }

std::vector<Command> table() {
  return {{"check", {"[NAME...]", 0, 2}, "check", "Checks.", {{"deep", "", "all of it", 'd'}}, {}, &run_nothing},
          {"user add", {"NAME", 1, 1}, "add", "Adds.", {{"from", "FILE", "where from", 'f'}}, {}, &run_nothing},
          {"user list", {}, "list", "Lists.", {}, {}, &run_nothing}};
}

Request parsed(const Words& words) {
  static const auto commands = table();
  auto request = parse_command_line(words, commands);
  EXPECT_TRUE(request) << (request ? "" : request.error().text);
  return request ? *request : Request{};
}

std::string refusal(const Words& words) {
  const auto commands = table();
  const auto request = parse_command_line(words, commands);
  return request ? "" : request.error().text;
}

TEST(CommandLine, FindsCommandsOfOneAndTwoWords) {
  EXPECT_EQ(parsed({"check"}).command->path, "check");
  EXPECT_EQ(parsed({"user", "add", "ann"}).command->path, "user add");
  EXPECT_EQ(parsed({"user", "add", "ann"}).arguments.operands, Words{"ann"});
}

TEST(CommandLine, TakesTheConfigurationFileAnywhere) {
  for (const Words& words :
       {Words{"-C", "/x", "user", "list"}, Words{"user", "-C/x", "list"}, Words{"user", "list", "-C", "/x"}}) {
    EXPECT_EQ(parsed(words).arguments.conf_file, "/x");
  }
  EXPECT_EQ(parsed({"user", "list"}).arguments.conf_file, "/etc/imapd.conf");
}

TEST(CommandLine, TakesValuesInEverySpelling) {
  for (const Words& words : {Words{"--from", "x"}, Words{"--from=x"}, Words{"-f", "x"}, Words{"-fx"}}) {
    Words line{"user", "add", "ann"};
    line.insert(line.end(), words.begin(), words.end());
    EXPECT_EQ(parsed(line).arguments.value("from"), "x");
  }
}

TEST(CommandLine, TwoDashesEndTheOptions) {
  EXPECT_EQ(parsed({"check", "--", "--deep", "-"}).arguments.operands, (Words{"--deep", "-"}));
  EXPECT_EQ(parsed({"check", "-"}).arguments.operands, Words{"-"});
}

TEST(CommandLine, HelpWinsOverWhatIsMissing) {
  EXPECT_EQ(parsed({"--help"}).kind, Request::Kind::help);
  EXPECT_EQ(parsed({"user", "--help"}).group, "user");
  EXPECT_EQ(parsed({"user", "add", "--help"}).command->path, "user add");
  EXPECT_EQ(parsed({"--version"}).kind, Request::Kind::version);
}

TEST(CommandLine, HelpIsAWordToo) {
  EXPECT_EQ(parsed({"help"}).kind, Request::Kind::help);
  EXPECT_EQ(parsed({"help", "user"}).kind, Request::Kind::help);
  EXPECT_EQ(parsed({"help", "user"}).group, "user");
  EXPECT_EQ(parsed({"help", "user", "add"}).command->path, "user add");
  EXPECT_EQ(parsed({"check", "help"}).arguments.operands, Words{"help"});
}

TEST(CommandLine, SaysHowToAskForOneUser) {
  const auto refused = parse_command_line({"mailbox", "list", "alice"}, all_commands());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text, "'pillarbox mailbox list' takes no operand; for one user: --user USER");
  EXPECT_EQ(refusal({"user", "list", "alice"}), "'pillarbox user list' takes no operand");
}

TEST(CommandLine, RefusesWithTheWordThatIsWrong) {
  EXPECT_NE(refusal({"usr"}).find("'usr'"), std::string::npos);
  EXPECT_NE(refusal({"user", "ad"}).find("'user ad'"), std::string::npos);
  EXPECT_NE(refusal({"check", "--deeep"}).find("--deeep"), std::string::npos);
  EXPECT_NE(refusal({"check", "a", "b", "c"}).find("takes [NAME...] only"), std::string::npos);
  EXPECT_NE(refusal({"user", "list", "ann"}).find("takes no operand"), std::string::npos);
  EXPECT_NE(refusal({"user", "add"}).find("needs NAME"), std::string::npos);
  EXPECT_NE(refusal({"check", "--deep=1"}).find("no value"), std::string::npos);
  EXPECT_NE(refusal({"user", "add", "a", "--from"}).find("needs a value"), std::string::npos);
  EXPECT_NE(refusal({"user", "add", "a", "--from="}).find("empty value"), std::string::npos);
  EXPECT_NE(refusal({"check", "--deep", "-d"}).find("twice"), std::string::npos);
  EXPECT_NE(refusal({}).find("which command"), std::string::npos);
  EXPECT_NE(refusal({"user"}).find("which one"), std::string::npos);
}

// What the help of each level promises must hold for the table that ships.
TEST(Commands, AreDifferentAndWhole) {
  std::set<std::string_view> paths;
  for (const Command& command : all_commands()) {
    EXPECT_TRUE(paths.insert(command.path).second) << command.path;
    EXPECT_LE(std::ranges::count(command.path, ' '), 1) << command.path;
    EXPECT_TRUE(command.run != nullptr && !command.summary.empty() && !command.details.empty()) << command.path;
    EXPECT_FALSE(command.examples.empty()) << command.path;
    EXPECT_LE(command.operands.least, command.operands.most) << command.path;
    EXPECT_EQ(command.operands.text.empty(), command.operands.most == 0) << command.path;
    for (const OptionSpec& option : command.options) {
      for (const OptionSpec& common : common_options()) {
        EXPECT_TRUE(option.name.empty() || option.name != common.name) << command.path;
        EXPECT_TRUE(option.letter == '\0' || option.letter != common.letter) << command.path;
      }
    }
  }
}

TEST(Help, WrapsAndNamesEveryOption) {
  for (const Command& command : all_commands()) {
    const std::string text = help_of_command(command);
    for (const OptionSpec& option : command.options) {
      EXPECT_NE(text.find(option.name.empty() ? std::string("-") + option.letter : "--" + std::string(option.name)),
                std::string::npos);
    }
    EXPECT_NE(help_of_group(all_commands(), "").find(command.path), std::string::npos);
  }
}

}  // namespace
}  // namespace tools

#include "pop3d/command_line.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace pop3d {
namespace {

tl::expected<CommandLine, std::string> parse(const std::vector<const char*>& arguments) {
  return parse_command_line(arguments);
}

TEST(CommandLine, DefaultsAreThoseOfThePage) {
  const auto line = parse({});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->config_file, "/etc/imapd.conf");
  EXPECT_EQ(line->max_uses, 250U);
  EXPECT_EQ(line->reuse_timeout, std::chrono::seconds(60));
  EXPECT_FALSE(line->implicit_tls);
  EXPECT_FALSE(line->stdio);
  EXPECT_FALSE(line->proxy_header);
  EXPECT_FALSE(line->run_debug_command);
  EXPECT_EQ(line->external_ssf, 0);
}

TEST(CommandLine, TakesEveryOptionOfThePage) {
  const auto line = parse({"-C", "/x/imapd.conf", "-U", "30", "-T", "0", "-D", "-s", "-p", "2", "-H", "-X"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->config_file, "/x/imapd.conf");
  EXPECT_EQ(line->max_uses, 30U);
  EXPECT_EQ(line->reuse_timeout, std::chrono::seconds(0));
  EXPECT_TRUE(line->run_debug_command);
  EXPECT_TRUE(line->implicit_tls);
  EXPECT_EQ(line->external_ssf, 2);
  EXPECT_TRUE(line->proxy_header);
  EXPECT_TRUE(line->stdio);
}

TEST(CommandLine, NoUsesAtAllActLikeOne) {
  EXPECT_EQ(parse({"-U", "0"})->max_uses, 1U);
  EXPECT_EQ(parse({"-U", "-3"})->max_uses, 1U);
}

TEST(CommandLine, RefusesMergedTokensAlsoWhereAValueStands) {
  for (const std::vector<const char*>& arguments : std::vector<std::vector<const char*>>{
           {"-U30"}, {"-p2"}, {"-sp", "2"}, {"-U", "-30"}, {"-s", "-C/etc/imapd.conf"}, {"--help"}}) {
    const auto line = parse(arguments);
    ASSERT_FALSE(line) << arguments[0];
    EXPECT_EQ(line.error(), "options and arguments MUST be separated by whitespace");
  }
}

TEST(CommandLine, RefusesWhatItDoesNotKnowAndNamesIt) {
  EXPECT_EQ(parse({"-k"}).error(), "option -k: unknown");
  EXPECT_EQ(parse({"-C"}).error(), "option -C: needs a value");
  EXPECT_EQ(parse({"-U", "many"}).error(), "option -U: needs a number");
  EXPECT_EQ(parse({"-U", "9999999999"}).error(), "option -U: needs a number");
  EXPECT_EQ(parse({"-T", "-5"}).error(), "option -T: needs a number of seconds");
  EXPECT_EQ(parse({"-p", "x"}).error(), "option -p: needs a security strength factor");
}

TEST(CommandLine, OperandsMeanNothingAndAreReported) {
  const auto line = parse({"stray", "-s", "-"});
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->implicit_tls);
  EXPECT_EQ(line->ignored, (std::vector<std::string>{"stray", "-"}));
}

}  // namespace
}  // namespace pop3d

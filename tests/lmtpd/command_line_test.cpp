#include "lmtpd/command_line.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace lmtpd {
namespace {

tl::expected<CommandLine, std::string> parse(const std::vector<const char*>& arguments) {
  return parse_command_line(arguments);
}

TEST(LmtpdCommandLine, DefaultsAreThoseOfThePage) {
  const auto line = parse({});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->config_file, "/etc/imapd.conf");
  EXPECT_EQ(line->max_uses, 250U);
  EXPECT_EQ(line->reuse_timeout, std::chrono::seconds(60));
  EXPECT_FALSE(line->trusted);
  EXPECT_FALSE(line->stdio);
}

TEST(LmtpdCommandLine, TakesEveryOptionOfThePage) {
  const auto line = parse({"-C", "/x/imapd.conf", "-U", "30", "-T", "0", "-D", "-H", "-a", "-X"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->config_file, "/x/imapd.conf");
  EXPECT_EQ(line->max_uses, 30U);
  EXPECT_TRUE(line->trusted);
  EXPECT_TRUE(line->proxy_header);
  EXPECT_TRUE(line->stdio);
}

TEST(LmtpdCommandLine, RefusesWhatIsOnlyForPop3d) {
  EXPECT_EQ(parse({"-s"}).error(), "option -s: unknown");
  EXPECT_EQ(parse({"-p", "1"}).error(), "option -p: unknown");
}

}  // namespace
}  // namespace lmtpd

#include "auth/user_deny.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace {

std::string text_of(std::string_view value, std::string_view service = "pop3") {
  const auto text = auth::denial(value, service);
  if (!text) return text.error().code == base::Errc::unsupported ? "unsupported" : "corrupt";
  return *text ? "blocked: " + **text : "let in";
}

TEST(UserDeny, TheFirstPatternThatMatchesDecides) {
  EXPECT_EQ(text_of("2\tpop*\tno more"), "blocked: no more");
  EXPECT_EQ(text_of("2\timap,pop3\tno more"), "blocked: no more");
  EXPECT_EQ(text_of("2\timap\tno more"), "let in");
  EXPECT_EQ(text_of("2\t!pop3,*\tno more"), "let in");
  EXPECT_EQ(text_of("2\t!pop3,*\tno more", "pop3s"), "blocked: no more");
  EXPECT_EQ(text_of("2\t*,!pop3\tno more"), "blocked: no more");
  EXPECT_EQ(text_of("2\t imap , pop3 \tno more"), "blocked: no more");
  EXPECT_EQ(text_of("2\t,,!,pop3\tno more"), "blocked: no more");
  EXPECT_EQ(text_of("2\t\tno more"), "let in");
}

TEST(UserDeny, WithoutAMessageThereIsADefaultOne) {
  const std::string standard = "blocked: Access to this service has been blocked";
  EXPECT_EQ(text_of("2\t*"), standard);
  EXPECT_EQ(text_of("2\t*\t"), standard);
  EXPECT_EQ(text_of("1\t*"), standard);
}

TEST(UserDeny, AnEntryThatCannotBeReadIsAnError) {
  for (const char* value : {"", "2", "\t*", "x\t*", "0\t*", "-1\t*", "2 *", "99999999999\t*"}) {
    EXPECT_EQ(text_of(value), "corrupt") << value;
  }
  EXPECT_EQ(text_of("3\t*\tno more"), "unsupported");
}

TEST(Wildmat, MatchesWholeTexts) {
  const auto matches = [](std::string_view text, std::string_view pattern) { return auth::wildmat(text, pattern); };
  EXPECT_TRUE(matches("pop3", "pop3"));
  EXPECT_TRUE(matches("pop3", "*"));
  EXPECT_TRUE(matches("pop3", "p*3"));
  EXPECT_TRUE(matches("pop3", "p??3"));
  EXPECT_TRUE(matches("pop3", "pop[0-9]"));
  EXPECT_TRUE(matches("pop3", "pop[^4]"));
  EXPECT_TRUE(matches("pop3", "**pop3**"));
  EXPECT_TRUE(matches("", "*"));
  EXPECT_TRUE(matches("a*b", "a\\*b"));
  EXPECT_TRUE(matches("[", "["));
  EXPECT_TRUE(matches("]", "[]]"));
  EXPECT_FALSE(matches("pop3s", "pop3"));
  EXPECT_FALSE(matches("pop3", "POP3"));
  EXPECT_FALSE(matches("pop3", "pop[^3]"));
  EXPECT_FALSE(matches("axb", "a\\*b"));
  EXPECT_FALSE(matches("pop3", "?"));
  EXPECT_FALSE(matches("", "?"));
}

TEST(Wildmat, StarsCostNoMoreThanTheProductOfTheSizes) {
  std::string pattern;
  for (int i = 0; i < 2000; ++i) pattern += "*a";
  EXPECT_FALSE(auth::wildmat(std::string(4000, 'a'), pattern + "b"));
}

}  // namespace

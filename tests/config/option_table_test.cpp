#include "base/ascii.hpp"
#include "config/option.hpp"
#include "config/value.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

namespace {

using config::info;
using config::Option;
using config::OptionInfo;
using config::OptionType;

TEST(OptionTable, HasItsRowsInTheOrderOfTheEnumerators) {
  std::size_t index = 0;
  for (const OptionInfo& row : config::option_table()) {
    EXPECT_EQ(static_cast<std::size_t>(row.option), index) << row.name;
    EXPECT_EQ(&info(row.option), &row);
    ++index;
  }
  EXPECT_EQ(info(Option::popminpoll).name, "popminpoll");
  EXPECT_EQ(info(Option::pts_module).name, "pts_module");
  EXPECT_EQ(static_cast<std::size_t>(Option::pts_module) + 1, config::option_table().size());
}

TEST(OptionTable, FindsEachOptionByItsNameAndNothingElse) {
  for (const OptionInfo& row : config::option_table()) {
    ASSERT_TRUE(config::find_option(row.name)) << row.name;
    EXPECT_EQ(*config::find_option(row.name), row.option);
    EXPECT_EQ(row.name, base::ascii::lower(row.name));
    EXPECT_FALSE(config::find_option(std::string(row.name) + "x")) << row.name;
  }
  EXPECT_FALSE(config::find_option(""));
  EXPECT_FALSE(config::find_option("POPTIMEOUT"));
}

TEST(OptionTable, NamesEachOptionOnce) {
  std::set<std::string_view> names;
  for (const OptionInfo& row : config::option_table()) EXPECT_TRUE(names.insert(row.name).second) << row.name;
}

TEST(OptionTable, GivesAllowedWordsToChoicesOnlyAndTheirDefaultIsOneOfThem) {
  for (const OptionInfo& row : config::option_table()) {
    const auto words = config::split_words(row.words);
    const bool chooses = row.type == OptionType::enumeration || row.type == OptionType::string_list;
    EXPECT_TRUE(row.type == OptionType::bitfield || (words.size() >= 2) == chooses) << row.name;
    EXPECT_TRUE(row.type == OptionType::bitfield || words.empty() == !chooses) << row.name;
    if (chooses && row.default_value) {
      EXPECT_NE(std::find(words.begin(), words.end(), *row.default_value), words.end()) << row.name;
    }
  }
}

TEST(OptionTable, GivesUnitsToDurationsAndByteSizesOnly) {
  for (const OptionInfo& row : config::option_table()) {
    std::string_view units;
    if (row.type == OptionType::duration) units = "dhms";
    if (row.type == OptionType::byte_size) units = "BKMG";
    EXPECT_EQ(units.empty(), row.unit == 0) << row.name;
    EXPECT_TRUE(units.empty() || units.find(row.unit) != units.npos) << row.name;
  }
}

TEST(OptionTable, ReplacesADeprecatedOptionByOneInUseOfTheSameType) {
  for (const OptionInfo& row : config::option_table()) {
    if (!row.replaced_by) continue;
    EXPECT_FALSE(row.deprecated_since.empty()) << row.name;
    EXPECT_TRUE(info(*row.replaced_by).deprecated_since.empty()) << row.name;
    EXPECT_EQ(info(*row.replaced_by).type, row.type) << row.name;
    EXPECT_EQ(info(*row.replaced_by).unit, row.unit) << row.name;
  }
}

/// Sentences for a page: it begins as one, ends as one, and nothing in it would break a line or be lost.
void expect_sentences(std::string_view text, std::string_view name) {
  ASSERT_FALSE(text.empty()) << name;
  EXPECT_TRUE(text.ends_with('.')) << name;
  EXPECT_FALSE(text.starts_with(' ')) << name;
  EXPECT_EQ(text.find("  "), text.npos) << name;
  EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; })) << name;
  EXPECT_LE(text.size(), 800U) << name;
}

TEST(OptionTable, DescribesEachOptionInSentences) {
  for (const OptionInfo& row : config::option_table()) expect_sentences(row.description, row.name);
  for (const config::KeyPattern& pattern : config::key_patterns())
    expect_sentences(pattern.description, pattern.prefix);
}

TEST(OptionTable, TellsADifferenceInSentencesAndOnlyOfOptionsThatHaveAnEffect) {
  for (const OptionInfo& row : config::option_table()) {
    if (row.difference.empty()) continue;
    expect_sentences(row.difference, row.name);
    EXPECT_TRUE(row.has_effect) << row.name;
    EXPECT_FALSE(row.is_ours) << row.name;
  }
}

/// The names that Cyrus has too.
std::set<std::string> cyrus_names() {
  std::set<std::string> names;
  std::ifstream file(TEST_DATA_DIR "/cyrus-options.txt");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with('#')) names.insert(line);
  }
  return names;
}

TEST(OptionTable, MarksAsOursWhatCyrusDoesNotHaveAndNothingElse) {
  const auto cyrus = cyrus_names();
  ASSERT_GT(cyrus.size(), 200U);
  for (const OptionInfo& row : config::option_table()) {
    EXPECT_NE(row.is_ours, cyrus.contains(std::string(row.name)))
        << row.name << ": a name of Cyrus stands in tests/data/cyrus-options.txt, one of ours says .ours()";
    EXPECT_TRUE(!row.is_ours || !row.cyrus_default) << row.name;
  }
}

TEST(OptionTable, AnOldNameHasNoEffectOfItsOwn) {
  for (const OptionInfo& row : config::option_table()) {
    EXPECT_TRUE(!row.replaced_by || !row.has_effect) << row.name;
  }
}

TEST(OptionTable, SaysWhatCyrusHasWhereOurDefaultIsSafer) {
  std::set<std::string_view> different;
  for (const OptionInfo& row : config::option_table()) {
    if (!row.cyrus_default) continue;
    different.insert(row.name);
    EXPECT_NE(row.cyrus_default, row.default_value) << row.name;
  }
  EXPECT_EQ(different, (std::set<std::string_view>{"allowapop", "allowstarttls", "tls_versions"}));
}

TEST(OptionTable, HasNoOwnOptionThatReadsLikeAPrefixedOneOfTheServicePop3) {
  // `pop3_X: ...` in the service pop3 means the option X where there is one, so an own name must not hide it.
  const std::string_view prefix = "pop3_";
  int own = 0;
  for (const OptionInfo& row : config::option_table()) {
    if (!row.name.starts_with(prefix)) continue;
    ++own;
    EXPECT_FALSE(config::find_option(row.name.substr(prefix.size()))) << row.name;
  }
  EXPECT_GE(own, 7);
}

TEST(OptionTable, HasNoRowThatIsAFamilyOfKeys) {
  for (const std::string_view family :
       {"partition-name", "metapartition-name", "archivepartition-name", "sasl_option"}) {
    EXPECT_FALSE(config::find_option(family)) << family;
    EXPECT_TRUE(config::matches_key_pattern(family)) << family;
  }
}

TEST(KeyPattern, KnowsTheFamiliesOfKeysByPrefixOrSuffix) {
  for (const std::string_view key :
       {"partition-default", "metapartition-a", "archivepartition-a", "searchtierpartition-t1", "metadir-index-default",
        "sasl_mech_list", "sasl_digest-md5_x", "mail1_password", "mail1_mechs", "mail1_client_cert", "mail1_client_key",
        "xlist-junk"}) {
    EXPECT_TRUE(config::matches_key_pattern(key)) << key;
  }
}

TEST(KeyPattern, NeedsSomethingInPlaceOfTheName) {
  for (const std::string_view key : {"partition-", "sasl_", "_password", "_client_key", "partition", "password", ""}) {
    EXPECT_FALSE(config::matches_key_pattern(key)) << key;
  }
}

}  // namespace

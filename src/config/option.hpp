#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace config {

/// Every option of imapd.conf(5) that we know by name. The enumerators are the names in the file.
/// The table of types, defaults and meanings is option_table.def, the only place to add one.
enum class Option : std::uint16_t {
#define GROUP(name)
#define OPTION(name, kind, description) name,
#include "config/option_table.def"
#undef OPTION
#undef GROUP
};

/// What an option is about: the sections of the manual page.
enum class OptionGroup { pop3, door, login, sasl, tls, backends, store, delivery, master, logging };

/// What may stand behind the colon; value.hpp has the grammar of each.
enum class OptionType {
  toggle,       ///< yes/no
  integer,      ///< decimal, 0x or octal
  duration,     ///< 1h30m; a bare number takes OptionInfo::unit
  byte_size,    ///< 10 MiB; a bare number takes OptionInfo::unit
  enumeration,  ///< one of OptionInfo::words; yes/no spellings mean on/off
  string_list,  ///< exactly one of OptionInfo::words
  bitfield,     ///< any of OptionInfo::words, separated by blanks
  text,         ///< taken as it stands
};

/// One row of the table. All views live as long as the program.
struct OptionInfo {
  Option option{};
  OptionGroup group = OptionGroup::pop3;
  std::string_view name;
  OptionType type = OptionType::text;
  /// In the syntax of the file; nullopt when the option has no value unless the file gives one.
  std::optional<std::string_view> default_value;
  /// What Cyrus has as its default where ours differs; nullopt where it is the same or Cyrus has no such option.
  std::optional<std::string_view> cyrus_default;
  /// Allowed words, separated by blanks. Empty: any word (only bitfields whose words we do not interpret).
  std::string_view words;
  /// What a bare number counts: d h m s of a duration, B K M G of a byte size; 0 otherwise.
  char unit = 0;
  /// The release of Cyrus that gave the option up; empty while it is in use.
  std::string_view deprecated_since;
  /// Where the value of a deprecated option goes; nullopt when nothing takes its place.
  std::optional<Option> replaced_by;
  /// False for what only other programs of Cyrus obey, and for what we don't obey yet.
  bool has_effect = true;
  /// True where Cyrus has no such option.
  bool is_ours = false;
  /// What it means: sentences, with the unit of a number. The manual page has them as they stand.
  std::string_view description;
  /// Sentences on how we treat it otherwise than Cyrus; empty where we don't.
  std::string_view difference;
};

/// All rows, in the order of the enumerators.
std::span<const OptionInfo> option_table();
const OptionInfo& info(Option option);
/// The option of this name, which must be in lower case.
std::optional<Option> find_option(std::string_view name);

/// A family of keys of which the file may have any number: PREFIX NAME SUFFIX, for instance `partition-NAME`.
struct KeyPattern {
  std::string_view prefix;
  std::string_view suffix;
  /// False for what only other programs of Cyrus obey, and for what we don't obey yet.
  bool has_effect = true;
  /// Sentences for people.
  std::string_view description;
};

std::span<const KeyPattern> key_patterns();
/// True when the key (in lower case) belongs to one of the families: something stands between prefix and suffix.
bool matches_key_pattern(std::string_view key);

}  // namespace config

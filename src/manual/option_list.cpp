#include "manual/option_list.hpp"

#include "config/value.hpp"
#include "manual/mdoc.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace manual {
namespace {

using config::OptionGroup;
using config::OptionInfo;
using config::OptionType;

constexpr std::string_view kBegin = ".Bl -tag -width Ds\n";
constexpr std::string_view kEnd = ".El\n";

constexpr std::array<std::pair<std::string_view, OptionGroup>, 10> kGroups{{
    {"pop3", OptionGroup::pop3},
    {"door", OptionGroup::door},
    {"login", OptionGroup::login},
    {"sasl", OptionGroup::sasl},
    {"tls", OptionGroup::tls},
    {"backends", OptionGroup::backends},
    {"store", OptionGroup::store},
    {"delivery", OptionGroup::delivery},
    {"master", OptionGroup::master},
    {"logging", OptionGroup::logging},
}};

/// What stands behind the colon.
std::string value_name(const OptionInfo& option) {
  switch (option.type) {
    case OptionType::toggle:
      return "Cm on | off";
    case OptionType::integer:
      return "Ar number";
    case OptionType::duration:
      return "Ar duration";
    case OptionType::byte_size:
      return "Ar size";
    case OptionType::enumeration:
    case OptionType::string_list:
      return "Ar word";
    case OptionType::bitfield:
      return "Ar words";
    case OptionType::text:
      break;
  }
  return "Ar text";
}

std::string_view unit_name(char unit) {
  switch (unit) {
    case 'd':
      return "days";
    case 'h':
      return "hours";
    case 'm':
      return "minutes";
    case 's':
      return "seconds";
    case 'K':
      return "KiB";
    case 'M':
      return "MiB";
    case 'G':
      return "GiB";
    default:
      return "octets";
  }
}

std::string joined_words(std::string_view words) {
  std::string out;
  for (const std::string_view word : config::split_words(words)) {
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

/// A value in a sentence; an empty one has to be said.
std::string shown(std::string_view value) { return value.empty() ? "empty" : std::string(value); }

/// "A number alone counts minutes. The default is 10m."
std::string facts(const OptionInfo& option) {
  std::string out;
  const bool many = option.type == OptionType::bitfield;
  if (!option.words.empty()) {
    out += (many ? "Any of these words: " : "One of these words: ") + joined_words(option.words) + ". ";
  }
  if (option.unit != 0) out += "A number without a unit counts " + std::string(unit_name(option.unit)) + ". ";
  if (option.default_value) {
    out += "The default is " + shown(*option.default_value);
    if (option.cyrus_default) out += "; in Cyrus it is " + shown(*option.cyrus_default);
    out += ". ";
  }
  if (option.is_ours) out += "Cyrus has no such option.";
  if (!option.deprecated_since.empty()) out += "Cyrus gave it up with " + std::string(option.deprecated_since) + ".";
  return out;
}

template <class Belongs, class Item>
std::string list_of(Belongs belongs, Item item) {
  std::vector<const OptionInfo*> rows;
  for (const OptionInfo& row : config::option_table()) {
    if (belongs(row)) rows.push_back(&row);
  }
  std::sort(rows.begin(), rows.end(), [](const OptionInfo* a, const OptionInfo* b) { return a->name < b->name; });
  if (rows.empty()) return {};
  std::string out(kBegin);
  for (const OptionInfo* row : rows) out += item(*row);
  return out + std::string(kEnd);
}

}  // namespace

std::string option_item(const OptionInfo& option) {
  std::string out = ".It Cm " + std::string(option.name) + " : " + value_name(option) + "\n";
  out += text_lines(option.description);
  out += text_lines(facts(option));
  if (!option.difference.empty()) out += ".Sy Differs from Cyrus :\n" + text_lines(option.difference);
  return out;
}

std::string option_list(OptionGroup group) {
  return list_of([group](const OptionInfo& row) { return row.group == group && row.has_effect; }, &option_item);
}

std::optional<OptionGroup> find_group(std::string_view name) {
  const auto* const found =
      std::find_if(kGroups.begin(), kGroups.end(), [name](const auto& group) { return group.first == name; });
  if (found == kGroups.end()) return std::nullopt;
  return found->second;
}

std::string list_without_effect() {
  return list_of(
      [](const OptionInfo& row) { return !row.has_effect && !row.replaced_by; },
      [](const OptionInfo& row) { return ".It Cm " + std::string(row.name) + "\n" + text_lines(row.description); });
}

std::string list_of_old_names() {
  return list_of([](const OptionInfo& row) { return row.replaced_by.has_value(); },
                 [](const OptionInfo& row) {
                   return ".It Cm " + std::string(row.name) + "\nNow\n.Cm " +
                          std::string(config::info(*row.replaced_by).name) + " ,\nsince Cyrus " +
                          std::string(row.deprecated_since) + ".\n";
                 });
}

std::string pattern_list() {
  std::string out(kBegin);
  for (const config::KeyPattern& pattern : config::key_patterns()) {
    const std::string_view value = pattern.prefix.ends_with("partition-") ? "Ar directory" : "Ar text";
    out += ".It ";
    if (!pattern.prefix.empty()) out += "Cm " + std::string(pattern.prefix) + " Ns ";
    out += "Ar NAME";
    if (!pattern.suffix.empty()) out += " Ns Cm " + std::string(pattern.suffix);
    out += " : " + std::string(value) + "\n" + text_lines(pattern.description);
    if (!pattern.has_effect) out += "Without effect here.\n";
  }
  return out + std::string(kEnd);
}

}  // namespace manual

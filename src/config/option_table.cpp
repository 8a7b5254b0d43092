#include "base/check.hpp"
#include "config/option.hpp"

#include <algorithm>
#include <array>

namespace config {
namespace {

using Words = std::string_view;
using Default = std::optional<std::string_view>;
constexpr Default none = std::nullopt;

/// The middle of a row: what an OptionInfo says beside the name and the description.
struct Kind {
  OptionInfo row;

  constexpr Kind cyrus_has(std::string_view value) const {
    Kind changed = *this;
    changed.row.cyrus_default = value;
    return changed;
  }
  constexpr Kind ours() const {
    Kind changed = *this;
    changed.row.is_ours = true;
    return changed;
  }
  constexpr Kind differs(std::string_view sentences) const {
    Kind changed = *this;
    changed.row.difference = sentences;
    return changed;
  }
  constexpr Kind no_effect() const {
    Kind changed = *this;
    changed.row.has_effect = false;
    return changed;
  }
  constexpr Kind replaced_by(Option successor, std::string_view release) const {
    Kind changed = obsolete(release).no_effect();
    changed.row.replaced_by = successor;
    return changed;
  }
  constexpr Kind obsolete(std::string_view release) const {
    Kind changed = *this;
    changed.row.deprecated_since = release;
    return changed;
  }
};

constexpr Kind kind(OptionType type, Default value, Words words = {}, char unit = 0) {
  OptionInfo row;
  row.type = type;
  row.default_value = value;
  row.words = words;
  row.unit = unit;
  return Kind{row};
}

constexpr Kind toggle(Default value) { return kind(OptionType::toggle, value); }
constexpr Kind integer(Default value) { return kind(OptionType::integer, value); }
constexpr Kind text(Default value) { return kind(OptionType::text, value); }
constexpr Kind duration(Default value, char unit = 's') { return kind(OptionType::duration, value, {}, unit); }
constexpr Kind byte_size(Default value, char unit = 'B') { return kind(OptionType::byte_size, value, {}, unit); }
constexpr Kind choice(Default value, Words words) { return kind(OptionType::enumeration, value, words); }
constexpr Kind one_of(Default value, Words words) { return kind(OptionType::string_list, value, words); }
constexpr Kind any_of(Default value, Words words) { return kind(OptionType::bitfield, value, words); }

constexpr OptionInfo row(OptionGroup group, Option option, std::string_view name, const Kind& kind,
                         std::string_view description) {
  OptionInfo made = kind.row;
  made.group = group;
  made.option = option;
  made.name = name;
  made.description = description;
  return made;
}

constexpr std::size_t kRows = 0
#define GROUP(name)
#define OPTION(name, kind, description) +1
#include "config/option_table.def"
#undef OPTION
#undef GROUP
    ;

constexpr auto kTable = [] {
  std::array<OptionInfo, kRows> table{};
  std::size_t at = 0;
  OptionGroup group = OptionGroup::pop3;
#define GROUP(name) group = OptionGroup::name;
#define OPTION(name, kind, description) table[at++] = row(group, Option::name, #name, kind, description);
#include "config/option_table.def"
#undef OPTION
#undef GROUP
  return table;
}();

/// The rows by name, for the binary search.
constexpr auto kByName = [] {
  std::array<Option, kTable.size()> order{};
  for (std::size_t i = 0; i < kTable.size(); ++i) order[i] = kTable[i].option;
  std::sort(order.begin(), order.end(), [](Option a, Option b) {
    return kTable[static_cast<std::size_t>(a)].name < kTable[static_cast<std::size_t>(b)].name;
  });
  return order;
}();

constexpr std::array kPatterns = {
    KeyPattern{"partition-", "", true, "The directory for the messages of the partition NAME."},
    KeyPattern{"metapartition-", "", true, "The directory for the metapartition_files of the partition NAME."},
    KeyPattern{"archivepartition-", "", true, "The directory for the archived messages of the partition NAME."},
    KeyPattern{"searchtierpartition-", "", false, "The directory of a tier of search indexes."},
    KeyPattern{"metadir-", "", true, "The directory for one kind of file of a partition: metadir-KIND-PARTITION."},
    KeyPattern{"xlist-", "", true,
               "The folder made at first login that gets this special use: xlist-drafts, xlist-sent and the like."},
    KeyPattern{
        "sasl_", "", true,
        "An option of the SASL library or of one of its plug-ins, handed on as it stands, with sasl_ taken off: "
        "sasl_mech_list, sasl_auxprop_plugin, sasl_sasldb_path, sasl_saslauthd_path, sasl_log_level and others."},
    KeyPattern{"", "_password", false, "Password of proxy_authname at one backend."},
    KeyPattern{"", "_mechs", false, "SASL mechanisms towards one backend."},
    KeyPattern{"", "_client_cert", false, "Certificate that we show to one backend."},
    KeyPattern{"", "_client_key", false, "Private key of that certificate."},
};

}  // namespace

std::span<const OptionInfo> option_table() { return kTable; }

const OptionInfo& info(Option option) {
  const auto index = static_cast<std::size_t>(option);
  CHECK(index < kTable.size());
  return kTable[index];
}

std::optional<Option> find_option(std::string_view name) {
  const auto found = std::lower_bound(kByName.begin(), kByName.end(), name, [](Option option, std::string_view wanted) {
    return info(option).name < wanted;
  });
  if (found == kByName.end() || info(*found).name != name) return std::nullopt;
  return *found;
}

std::span<const KeyPattern> key_patterns() { return kPatterns; }

bool matches_key_pattern(std::string_view key) {
  return std::any_of(kPatterns.begin(), kPatterns.end(), [key](const KeyPattern& pattern) {
    return key.size() > pattern.prefix.size() + pattern.suffix.size() && key.starts_with(pattern.prefix) &&
           key.ends_with(pattern.suffix);
  });
}

}  // namespace config

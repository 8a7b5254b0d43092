#pragma once

#include "config/option.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace manual {

/// One option as an item of a list: type, default, meaning, unit, and where we differ from Cyrus.
std::string option_item(const config::OptionInfo& option);

/// The options of a section that have an effect here, as a list.
std::string option_list(config::OptionGroup group);

/// The section of this name, as in option_table.def.
std::optional<config::OptionGroup> find_group(std::string_view name);

/// Options of Cyrus that are known and have no effect here, as a list.
std::string list_without_effect();

/// Deprecated names and what takes their place, as a list.
std::string list_of_old_names();

/// The families of keys, as a list.
std::string pattern_list();

}  // namespace manual

#pragma once

#include "base/switch_spec.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace manual {

/// The lines of a SYNOPSIS.
std::string synopsis(base::SwitchTable table);

/// The options of a command line as a list, sorted by letter.
std::string switch_list(base::SwitchTable table);

/// The table of the program of this name.
std::optional<base::SwitchTable> find_program(std::string_view name);

}  // namespace manual

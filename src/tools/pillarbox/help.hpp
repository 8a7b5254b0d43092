#pragma once

#include "tools/pillarbox/command.hpp"

#include <string>
#include <vector>

namespace tools {

/// Help of all commands, or of those that begin with the word `group`: a line each. Pure.
std::string help_of_group(const std::vector<Command>& commands, std::string_view group);

/// Help of one command: usage, what it does, options, examples. Pure.
std::string help_of_command(const Command& command);

}  // namespace tools

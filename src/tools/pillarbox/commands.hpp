#pragma once

#include "tools/pillarbox/command.hpp"

#include <vector>

namespace tools {

/// All commands, in the order in which help lists them. A new one is a file of its own and a line in commands.cpp.
const std::vector<Command>& all_commands();

// What the files of the commands bring in: one function each.
std::vector<Command> user_commands();
std::vector<Command> store_commands();
std::vector<Command> mailbox_commands();
std::vector<Command> deliver_commands();
std::vector<Command> import_commands();
std::vector<Command> check_commands();
std::vector<Command> config_commands();

}  // namespace tools

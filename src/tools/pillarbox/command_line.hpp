#pragma once

#include "tools/pillarbox/command.hpp"

#include <string>
#include <vector>

namespace tools {

/// Options that every command takes, anywhere on the line.
const std::vector<OptionSpec>& common_options();

/// A command line, understood.
struct Request {
  enum class Kind { run, help, version };

  Kind kind = Kind::run;
  const Command* command = nullptr;  ///< set for `run`; for `help` of one command
  std::string group;                 ///< help of all commands that begin with this word; empty: of all
  Arguments arguments;
};

/// Reads the words behind the program's name. Options may stand anywhere; "--" ends them. Pure.
/// Errors: invalid, with a text for the terminal.
base::Result<Request> parse_command_line(const std::vector<std::string>& words, const std::vector<Command>& commands);

}  // namespace tools

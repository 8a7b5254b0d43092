#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// The frame of pillarbox(8): what a command is. The table in commands.hpp is the one source of parsing, of --help and,
/// by a test, of the manual page.
namespace tools {

class Console;

/// An option of a command: `--name`, `--name VALUE`, and perhaps a letter for the same.
struct OptionSpec {
  std::string_view name;
  std::string_view value;  ///< what the value is called in help; empty: a switch
  std::string_view help;   ///< a line or two
  char letter = '\0';
};

/// What stands behind the options: as help shows it, and how many there may be.
struct OperandSpec {
  std::string_view text;  ///< "NAME [FILE...]"
  std::size_t least = 0;
  std::size_t most = 0;
};

struct Example {
  std::string_view line;  ///< behind "pillarbox "
  std::string_view what;
};

/// What was asked for, with the options that the command knows.
struct Arguments {
  std::filesystem::path conf_file = "/etc/imapd.conf";
  std::map<std::string, std::string, std::less<>> options;  ///< by long name; a switch has an empty value
  std::vector<std::string> operands;

  bool has(std::string_view name) const { return options.contains(name); }
  /// The value of an option, or `otherwise`.
  std::string_view value(std::string_view name, std::string_view otherwise = {}) const;
};

/// Carries a command out. Answers with the exit status; an error becomes one line and the status of exit_status().
using RunCommand = base::Result<int> (*)(const Arguments&, Console&);

struct Command {
  std::string_view path;  ///< one or two words: "check", "user add"
  OperandSpec operands;
  std::string_view summary;  ///< one line, without a full stop
  std::string_view details;  ///< sentences, wrapped by help
  std::vector<OptionSpec> options;
  std::vector<Example> examples;
  RunCommand run = nullptr;
};

}  // namespace tools

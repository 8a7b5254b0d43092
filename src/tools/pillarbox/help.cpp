#include "tools/pillarbox/help.hpp"

#include "tools/pillarbox/command_line.hpp"

#include <algorithm>

namespace tools {
namespace {

constexpr std::size_t kWidth = 80;

/// `text` in lines of at most kWidth, each with `indent` blanks in front.
std::string wrapped(std::string_view text, std::size_t indent) {
  std::string out;
  std::string line;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && indent + line.size() + 1 + word.size() > kWidth) {
      out += std::string(indent, ' ') + line + '\n';
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty()) out += std::string(indent, ' ') + line + '\n';
  return out;
}

std::string option_text(const OptionSpec& option) {
  std::string text;
  if (option.letter != '\0') text += std::string("-") + option.letter;
  if (!option.name.empty()) text += (text.empty() ? "--" : ", --") + std::string(option.name);
  if (!option.value.empty()) text += ' ' + std::string(option.value);
  return text;
}

std::string option_lines(const std::vector<OptionSpec>& options) {
  constexpr std::size_t kColumn = 22;
  std::string out;
  for (const OptionSpec& option : options) {
    std::string head = "  " + option_text(option);
    std::string body = wrapped(option.help, kColumn);
    if (head.size() + 2 <= kColumn) {
      head.resize(kColumn, ' ');
      out += head + body.substr(kColumn);
    } else {
      out += head + '\n' + body;
    }
  }
  return out;
}

constexpr std::string_view kExitStatus =
    "Exit status: 0 done and all well; 1 problems were found; else as in sysexits(3): 64 wrong command line, "
    "65 unusable data, 66 unreadable input, 67 no such user or mailbox, 69 not supported, 73 exists already, "
    "74 input or output error, 75 try again later, 77 not permitted, 78 configuration.";

}  // namespace

std::string help_of_group(const std::vector<Command>& commands, std::string_view group) {
  const std::string prefix = group.empty() ? "" : std::string(group) + ' ';
  std::string out = "usage: pillarbox [-C FILE] " + prefix + "COMMAND [OPTION...] [OPERAND...]\n\n";
  if (group.empty()) out += "Administers the mail store and the users of a Pillarbox or Cyrus server.\n\n";
  out += "Commands:\n";
  std::size_t column = 0;
  for (const Command& command : commands) column = std::max(column, command.path.size() + 4);
  for (const Command& command : commands) {
    if (!command.path.starts_with(prefix)) continue;
    std::string head = "  " + std::string(command.path);
    head.resize(column, ' ');
    out += head + std::string(command.summary) + '\n';
  }
  out += "\nOptions:\n" + option_lines(common_options());
  out += "\n'pillarbox " + prefix + "COMMAND --help' shows the options and examples of a command.\n\n";
  return out + wrapped(kExitStatus, 0);
}

std::string help_of_command(const Command& command) {
  std::string out = "usage: pillarbox [-C FILE] " + std::string(command.path);
  if (!command.options.empty()) out += " [OPTION...]";
  if (!command.operands.text.empty()) out += ' ' + std::string(command.operands.text);
  out += "\n\n" + wrapped(command.details, 0) + "\nOptions:\n";
  out += option_lines(command.options) + option_lines(common_options());
  if (!command.examples.empty()) out += "\nExamples:\n";
  for (const Example& example : command.examples) {
    out += "  pillarbox " + std::string(example.line) + '\n' + wrapped(example.what, 6);
  }
  return out + '\n' + wrapped(kExitStatus, 0);
}

}  // namespace tools

#pragma once

#include <span>
#include <string>
#include <string_view>

namespace base {

/// One option of a program's command line, a letter behind `-`. A program's table of them is the one source of parsing,
/// of the usage line and of its manual page.
struct SwitchSpec {
  char letter = '\0';
  std::string_view value;  ///< what the value is called in the page; empty: a flag
  std::string_view help;   ///< whole sentences, with unit and default
};

using SwitchTable = std::span<const SwitchSpec>;

/// The row of a letter; nullptr when there is none.
const SwitchSpec* find_switch(SwitchTable table, char letter);

/// "usage: pop3d [-C file] [-D]", without a newline.
std::string usage_line(std::string_view program, SwitchTable table);

/// The usage line, and below it a line for each option with the first sentence of its help.
std::string usage_text(std::string_view program, SwitchTable table);

}  // namespace base

#include "base/switch_spec.hpp"

#include <algorithm>

namespace base {

const SwitchSpec* find_switch(SwitchTable table, char letter) {
  const auto found =
      std::find_if(table.begin(), table.end(), [letter](const SwitchSpec& row) { return row.letter == letter; });
  return found == table.end() ? nullptr : &*found;
}

std::string usage_line(std::string_view program, SwitchTable table) {
  std::string line = "usage: " + std::string(program);
  for (const SwitchSpec& row : table) {
    line += std::string(" [-") + row.letter;
    if (!row.value.empty()) line += " " + std::string(row.value);
    line += "]";
  }
  return line;
}

std::string usage_text(std::string_view program, SwitchTable table) {
  std::size_t widest = 0;
  for (const SwitchSpec& row : table) widest = std::max(widest, row.value.size());
  std::string text = usage_line(program, table) + "\n";
  for (const SwitchSpec& row : table) {
    std::string value(row.value);
    value.resize(widest, ' ');
    std::string_view sentence = row.help.substr(0, row.help.find(". "));
    if (sentence.ends_with('.')) sentence.remove_suffix(1);
    text += std::string("  -") + row.letter + " " + value + "  " + std::string(sentence) + "\n";
  }
  return text;
}

}  // namespace base

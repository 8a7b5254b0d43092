#include "manual/switch_list.hpp"

#include "base/ascii.hpp"
#include "lmtpd/command_line.hpp"
#include "manual/mdoc.hpp"
#include "master/command_line.hpp"
#include "pop3d/command_line.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace manual {
namespace {

std::string flag(const base::SwitchSpec& row) {
  std::string out = std::string("Fl ") + row.letter;
  if (!row.value.empty()) out += " Ar " + std::string(row.value);
  return out;
}

/// As manual pages sort them: by letter, the small one first.
std::pair<char, bool> order(const base::SwitchSpec& row) {
  const char small = base::ascii::to_lower(row.letter);
  return {small, small != row.letter};
}

}  // namespace

std::string synopsis(base::SwitchTable table) {
  std::string out = ".Nm\n";
  for (const base::SwitchSpec& row : table) out += ".Op " + flag(row) + "\n";
  return out;
}

std::string switch_list(base::SwitchTable table) {
  std::vector<base::SwitchSpec> rows(table.begin(), table.end());
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return order(a) < order(b); });
  std::string out = ".Bl -tag -width Ds\n";
  for (const base::SwitchSpec& row : rows) out += ".It " + flag(row) + "\n" + text_lines(row.help);
  return out + ".El\n";
}

std::optional<base::SwitchTable> find_program(std::string_view name) {
  if (name == "pop3d") return pop3d::switches();
  if (name == "lmtpd") return lmtpd::switches();
  if (name == "master") return master::switches();
  return std::nullopt;
}

}  // namespace manual

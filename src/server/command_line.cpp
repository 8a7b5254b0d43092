#include "server/command_line.hpp"

#include <charconv>

namespace server {
namespace {

tl::unexpected<std::string> wrong(char option, std::string_view why) {
  return tl::unexpected(std::string("option -") + option + ": " + std::string(why));
}

}  // namespace

std::optional<std::int32_t> option_number(std::string_view text) {
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

tl::expected<CommandLine, std::string> parse_command_line(std::span<const char* const> arguments,
                                                          base::SwitchTable table) {
  CommandLine line;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view token = arguments[i];
    if (token.size() < 2 || token[0] != '-') {
      line.ignored.emplace_back(token);
      continue;
    }
    // The original refuses every long token that begins with '-', also where a value stands ("-U -30").
    if (token.size() > 2) return tl::unexpected(std::string("options and arguments MUST be separated by whitespace"));
    const char option = token[1];
    const base::SwitchSpec* const spec = base::find_switch(table, option);
    if (spec == nullptr) return wrong(option, "unknown");
    std::string_view value;
    if (!spec->value.empty()) {
      if (++i == arguments.size()) return wrong(option, "needs a value");
      value = arguments[i];
      if (value.size() > 2 && value[0] == '-') {
        return tl::unexpected(std::string("options and arguments MUST be separated by whitespace"));
      }
    }
    const std::optional<std::int32_t> n = option_number(value);
    switch (option) {
      case 'C':
        line.config_file = value;
        break;
      case 'U':
        if (!n) return wrong(option, "needs a number");
        line.max_uses = *n < 1 ? 1U : static_cast<unsigned>(*n);  // Cyrus: 0 and less act like 1
        break;
      case 'T':
        if (!n || *n < 0) return wrong(option, "needs a number of seconds");
        line.reuse_timeout = std::chrono::seconds(*n);
        break;
      case 'D':
        line.run_debug_command = true;
        break;
      case 'X':
        line.stdio = true;
        break;
      default:
        line.own.insert_or_assign(option, std::string(value));
    }
  }
  return line;
}

}  // namespace server

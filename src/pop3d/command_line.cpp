#include "pop3d/command_line.hpp"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pop3d {
namespace {

std::optional<std::int32_t> number(std::string_view text) {
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool takes_value(char option) { return option == 'C' || option == 'U' || option == 'T' || option == 'p'; }

tl::unexpected<std::string> wrong(char option, std::string_view why) {
  return tl::unexpected(std::string("option -") + option + ": " + std::string(why));
}

}  // namespace

std::string usage() { return "usage: pop3d [-C config_file] [-U uses] [-T seconds] [-D] [-H] [-s] [-p ssf] [-X]"; }

tl::expected<CommandLine, std::string> parse_command_line(std::span<const char* const> arguments) {
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
    std::string_view value;
    if (takes_value(option)) {
      if (++i == arguments.size()) return wrong(option, "needs a value");
      value = arguments[i];
      if (value.size() > 2 && value[0] == '-') {
        return tl::unexpected(std::string("options and arguments MUST be separated by whitespace"));
      }
    }
    const std::optional<std::int32_t> n = number(value);
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
      case 'p':
        if (!n || *n < 0) return wrong(option, "needs a security strength factor");
        line.external_ssf = *n;
        break;
      case 'D':
        line.run_debug_command = true;
        break;
      case 'X':
        line.stdio = true;
        break;
      case 's':
        line.implicit_tls = true;
        break;
      case 'H':
        line.proxy_header = true;
        break;
      default:
        return wrong(option, "unknown");
    }
  }
  return line;
}

}  // namespace pop3d

#include "lmtpd/command_line.hpp"

#include <utility>

namespace lmtpd {

std::string usage() { return "usage: lmtpd [-C config_file] [-U uses] [-T seconds] [-D] [-a] [-X]"; }

tl::expected<CommandLine, std::string> parse_command_line(std::span<const char* const> arguments) {
  auto common = server::parse_command_line(arguments, {.flags = "a", .with_value = ""});
  if (!common) return tl::unexpected(common.error());
  CommandLine line{std::move(*common)};
  line.trusted = line.own.contains('a');
  return line;
}

}  // namespace lmtpd

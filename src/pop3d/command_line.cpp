#include "pop3d/command_line.hpp"

#include <utility>

namespace pop3d {

std::string usage() { return "usage: pop3d [-C config_file] [-U uses] [-T seconds] [-D] [-H] [-s] [-p ssf] [-X]"; }

tl::expected<CommandLine, std::string> parse_command_line(std::span<const char* const> arguments) {
  auto common = server::parse_command_line(arguments, {.flags = "Hs", .with_value = "p"});
  if (!common) return tl::unexpected(common.error());
  CommandLine line{std::move(*common)};
  line.implicit_tls = line.own.contains('s');
  line.proxy_header = line.own.contains('H');
  if (const auto ssf = line.own.find('p'); ssf != line.own.end()) {
    const auto bits = server::option_number(ssf->second);
    if (!bits || *bits < 0) return tl::unexpected(std::string("option -p: needs a security strength factor"));
    line.external_ssf = *bits;
  }
  return line;
}

}  // namespace pop3d

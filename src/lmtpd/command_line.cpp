#include "lmtpd/command_line.hpp"

#include <array>
#include <utility>

namespace lmtpd {

namespace {

constexpr std::array kSwitches{
    server::kConfigFileSwitch,
    server::kUsesSwitch,
    server::kIdleSwitch,
    server::kDebugSwitch,
    server::kProxyHeaderSwitch,
    base::SwitchSpec{'a', "",
                     "Trust the clients of an internet socket instead of asking for AUTH. Only for a port that nobody "
                     "but the mail transfer agent can reach. Clients of a Unix socket are always trusted: the "
                     "permissions of the socket say who they are."},
    server::kStdioSwitch,
};

}  // namespace

base::SwitchTable switches() { return kSwitches; }

tl::expected<CommandLine, std::string> parse_command_line(std::span<const char* const> arguments) {
  auto common = server::parse_command_line(arguments, kSwitches);
  if (!common) return tl::unexpected(common.error());
  CommandLine line{std::move(*common)};
  line.trusted = line.own.contains('a');
  line.proxy_header = line.own.contains('H');
  return line;
}

}  // namespace lmtpd

#include "pop3d/command_line.hpp"

#include <array>
#include <utility>

namespace pop3d {

namespace {

constexpr std::array kSwitches{
    server::kConfigFileSwitch,
    server::kUsesSwitch,
    server::kIdleSwitch,
    server::kDebugSwitch,
    server::kProxyHeaderSwitch,
    base::SwitchSpec{'s', "",
                     "Begin TLS with the connection instead of waiting for STLS (RFC 8314), as for the port pop3s. "
                     "Needs tls_server_cert and tls_server_key."},
    base::SwitchSpec{'p', "ssf",
                     "The security strength, in bits, that something outside gives to the connection: 0, the default, "
                     "is none, 1 protects against changes only. With more than 1 passwords are taken without TLS. It "
                     "does not stand in for TLS where tls_required asks for that."},
    server::kStdioSwitch,
};

}  // namespace

base::SwitchTable switches() { return kSwitches; }

tl::expected<CommandLine, std::string> parse_command_line(std::span<const char* const> arguments) {
  auto common = server::parse_command_line(arguments, kSwitches);
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

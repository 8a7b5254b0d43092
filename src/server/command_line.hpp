#pragma once

#include "base/switch_spec.hpp"

#include <tl/expected.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace server {

/// What every service of Cyrus takes on its command line.
struct CommandLine {
  std::string config_file = "/etc/imapd.conf";  ///< -C
  unsigned max_uses = 250;                      ///< -U: connections that one process takes before it drains
  std::chrono::seconds reuse_timeout{60};       ///< -T: how long a used process waits for its next client; 0: for ever
  bool run_debug_command = false;               ///< -D
  bool stdio = false;                           ///< -X: one session on standard input and output
  std::map<char, std::string> own;              ///< the program's own options that were given, and their values
  std::vector<std::string> ignored;             ///< operands, which mean nothing here
};

/// The rows of these options, for the tables of the programs.
inline constexpr base::SwitchSpec kConfigFileSwitch{
    'C', "file", "Read this imapd.conf(5); the default is /etc/imapd.conf. A master does not hand its own -C on."};
inline constexpr base::SwitchSpec kUsesSwitch{
    'U', "uses",
    "After so many connections the process takes no more and ends with the last of them; the default is 250, and less "
    "than 1 counts as 1."};
inline constexpr base::SwitchSpec kIdleSwitch{
    'T', "seconds",
    "How long a process that has served and has no client left waits for the next one before it ends; 0 is for ever, "
    "the default 60. Up to the same time again is added at random, so that processes do not end together."};
inline constexpr base::SwitchSpec kDebugSwitch{
    'D', "", "Before anything else, run the command of the option debug_command, which attaches a debugger."};
inline constexpr base::SwitchSpec kProxyHeaderSwitch{
    'H', "",
    "Each connection begins with a header of the PROXY protocol, version 1 or 2, before TLS, and from an address of "
    "proxy_protocol_networks. The client is the one that the header names."};
inline constexpr base::SwitchSpec kStdioSwitch{
    'X', "",
    "Serve the one connection on standard input and output and exit; for tests, and for inetd(8) and its like. It is "
    "the default when standard input is a connection and no master has started the process."};

/// Parses the arguments behind argv[0] by the program's table, which has the rows above and its own. Options stand
/// alone and are separated from their values by white space: any token of more than two octets that begins with '-' is
/// refused, as the original does. The error is one line for standard error and syslog.
tl::expected<CommandLine, std::string> parse_command_line(std::span<const char* const> arguments,
                                                          base::SwitchTable table);

/// The value of an option that takes a number, whole; nullopt when it is none.
std::optional<std::int32_t> option_number(std::string_view text);

}  // namespace server

#pragma once

#include "base/switch_spec.hpp"
#include "server/command_line.hpp"

#include <tl/expected.hpp>

#include <span>
#include <string>

namespace lmtpd {

/// What the command line of lmtpd(8) says.
struct CommandLine : server::CommandLine {
  bool trusted = false;       ///< -a: clients need no AUTH
  bool proxy_header = false;  ///< -H
};

/// Parses the arguments behind argv[0], as every service does (server/command_line.hpp). The caller exits with 64
/// (EX_USAGE).
tl::expected<CommandLine, std::string> parse_command_line(std::span<const char* const> arguments);

/// The options: for parsing, usage and the manual page.
base::SwitchTable switches();

}  // namespace lmtpd

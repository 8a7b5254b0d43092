#pragma once

#include <tl/expected.hpp>

#include <chrono>
#include <span>
#include <string>
#include <vector>

namespace pop3d {

/// What the command line of pop3d(8) says.
struct CommandLine {
  std::string config_file = "/etc/imapd.conf";  ///< -C
  unsigned max_uses = 250;                      ///< -U: connections that one process takes before it drains
  std::chrono::seconds reuse_timeout{60};       ///< -T: how long a used process waits for its next client; 0: for ever
  bool run_debug_command = false;               ///< -D
  bool stdio = false;                           ///< -X: one session on standard input and output
  bool implicit_tls = false;                    ///< -s
  int external_ssf = 0;                         ///< -p
  bool proxy_header = false;                    ///< -H
  std::vector<std::string> ignored;             ///< operands, which mean nothing here
};

/// Parses the arguments behind argv[0]. Options stand alone and are separated from their values by white space: any
/// token of more than two octets that begins with '-' is refused, as the original does. The error is one line for
/// standard error and syslog; the caller exits with 64 (EX_USAGE).
tl::expected<CommandLine, std::string> parse_command_line(std::span<const char* const> arguments);

/// The usage line, without a newline.
std::string usage();

}  // namespace pop3d

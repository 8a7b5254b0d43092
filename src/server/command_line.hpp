#pragma once

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

/// The letters of a program's own options.
struct OwnOptions {
  std::string_view flags;
  std::string_view with_value;
};

/// Parses the arguments behind argv[0]. Options stand alone and are separated from their values by white space: any
/// token of more than two octets that begins with '-' is refused, as the original does. The error is one line for
/// standard error and syslog.
tl::expected<CommandLine, std::string> parse_command_line(std::span<const char* const> arguments,
                                                          const OwnOptions& own);

/// The value of an option that takes a number, whole; nullopt when it is none.
std::optional<std::int32_t> option_number(std::string_view text);

}  // namespace server

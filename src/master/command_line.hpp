#pragma once

#include "base/result.hpp"
#include "base/switch_spec.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace master {

/// The options of master(8).
struct CommandLine {
  std::string imapd_conf = "/etc/imapd.conf";  ///< -C: for master itself only, not given to services
  std::string cyrus_conf = "/etc/cyrus.conf";  ///< -M
  std::optional<std::string> pid_file;         ///< -p; else master_pid_file
  std::optional<std::string> ready_file;       ///< -r; else master_ready_file
  std::optional<std::string> output_file;      ///< -L: standard output and error go there
  int backlog = 32;                            ///< -l
  std::chrono::seconds shutdown_limit{30};     ///< -t (ours): what is left then is killed
  bool background = false;                     ///< -d
  bool keep_output = false;                    ///< -D: descriptors 0-2 stay open, log lines also go to standard error
  bool verbose = false;                        ///< -v: debug lines are logged
  bool version = false;                        ///< -V
};

/// Reads the arguments behind the program's name. `-j n` (janitor sweeps) is checked and has no effect: there is no
/// janitor. Errors: invalid; exit status 64 belongs to it, 78 to the one about -j (Error::errnum holds it).
base::Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments);

/// The options: for parsing, usage and the manual page.
base::SwitchTable switches();

/// The summary for standard error, with a newline.
std::string usage();

}  // namespace master

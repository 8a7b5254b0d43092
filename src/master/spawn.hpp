#pragma once

#include "base/log.hpp"
#include "base/result.hpp"

#include <filesystem>
#include <signal.h>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace master {

/// A command of cyrus.conf with its program found.
struct Command {
  std::string path;
  std::vector<std::string> arguments;  ///< argv[0] is the text as written in the file

  friend bool operator==(const Command&, const Command&) = default;
};

/// The folders in which commands without a leading slash are looked for, best first: the one of master's own binary,
/// then the sbin folders beside and above it.
std::vector<std::filesystem::path> program_folders();

/// Finds the program of `words`. Errors: not_found, invalid (no words); the text names the command only.
base::Result<Command> find_command(const std::vector<std::string>& words,
                                   const std::vector<std::filesystem::path>& folders);

/// What a child gets beside its command (doc/format/service-protocol.md).
struct ChildSetup {
  std::vector<std::pair<std::string, std::string>> environment;  ///< added to ours
  int status_fd = -1;                                            ///< becomes 3; -1: the child has no 3
  int listen_fd = -1;                                            ///< becomes 4; -1: the child has no 4
  int max_fds = 0;                                               ///< RLIMIT_NOFILE, cut to the hard limit; 0: as ours
  sigset_t signal_mask{};                                        ///< the one that master was started with
};

/// Starts a child, in a process group of its own, with default signal actions; all descriptors from 3 on that are not
/// named above must be close-on-exec. It gets SIGTERM when we die.
///
/// A program that cannot be executed is a child that logs why and exits with 71 (EX_OSERR).
/// Errors: io (fork failed).
base::Result<pid_t> spawn(const Command& command, const ChildSetup& setup, const base::Log& log);

/// Sends `signal` to the child and to what it has started itself.
void signal_group(pid_t child, int signal);

}  // namespace master

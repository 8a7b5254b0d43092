#pragma once

#include "base/log.hpp"
#include "base/result.hpp"

#include <string>
#include <string_view>
#include <sys/types.h>

namespace server {

/// The option debug_command with what -D puts into it, as printf(3) would: argv[0], the process id, the service's name,
/// one behind the other for %s and %d, or by number (%2$d); %% is a percent sign. No other conversion, no width.
/// Errors: invalid (another conversion, a fourth one, more than 1023 octets: half a command would be another one).
base::Result<std::string> expand_debug_command(std::string_view option, std::string_view program, pid_t pid,
                                               std::string_view service);

/// Runs `command` by the shell and waits for it. It has nothing of ours: signals as by default, no socket of the
/// service, /dev/null for its standard input, and for its output too when `stdio` (ours is a client then). This process
/// lets itself be traced by processes of its user from now on. What went wrong is logged; nothing else follows of it.
void run_debug_command(const std::string& command, bool stdio, const base::Log& log);

}  // namespace server

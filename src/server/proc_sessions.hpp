#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace server {

/// A logged-in session that a process of Cyrus shows in proc/ (server/proc_entry.hpp).
struct ProcSession {
  pid_t pid = 0;
  std::string user;
  std::string host;  ///< the address in "name [address]", or all of the field when it has none
};

/// Takes what one line of a file in proc/ says of `service`. False for another service, for a session that has not
/// opened its mailbox yet (Cyrus writes the user before it has the password), and for what is no such line. Pure.
bool parse_proc_line(std::string_view line, std::string_view service, ProcSession& into);

/// The sessions of `service` that stand in `directory` and whose process lives; none when it cannot be read. Looks at
/// no more than `limit` files. Blocks on disk.
std::vector<ProcSession> read_proc_sessions(const std::string& directory, std::string_view service, std::size_t limit);

}  // namespace server

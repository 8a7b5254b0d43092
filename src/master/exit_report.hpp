#pragma once

#include "master/service_table.hpp"

#include <string>
#include <string_view>

namespace master {

/// What ended, in the words of the log.
struct Ended {
  std::string_view type;  ///< START, SERVICE, DAEMON; ZOMBIE for a process that nobody knows
  std::string_view name;
  std::string_view path;
  Duration age;
  pid_t pid;
};

/// The line about the end of a process, in the form of Cyrus: `process type:SERVICE name:pop3 path:... age:0.072s
/// pid:12 exited, status 78`. Ends with status 0 and 75 are debug lines, others errors.
Remark exit_line(const Ended& ended, int wait_status);

}  // namespace master

#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <thread>

namespace server {

/// Makes one socket of standard input and output for `-X`, whatever they are. A connected socket on descriptor 0 is
/// duplicated; a terminal, pipe or file is copied from and to by two threads.
class StdioBridge {
 public:
  /// Errors: io.
  static base::Result<StdioBridge> open();

  /// The end for the session; may be taken once.
  base::UniqueFd take_socket() { return std::move(session_end_); }

  /// Waits until what the session wrote has been copied to standard output. Call after the session closed its end.
  void finish();

 private:
  StdioBridge() = default;
  base::UniqueFd session_end_;
  base::UniqueFd our_end_;
  std::thread output_;
};

/// True when descriptor 0 is a connected socket: inetd, systemd with Accept=yes, socat.
bool stdin_is_connection();

}  // namespace server

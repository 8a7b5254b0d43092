#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "net/task.hpp"
#include "net/timer.hpp"

#include <optional>
#include <string>

namespace net {

/// The two ends of a connection, as text for logs and SASL. `ip` is "" for a Unix socket.
struct Endpoint {
  std::string ip;
  unsigned port = 0;
};

struct Accepted {
  base::UniqueFd socket;
  Endpoint peer;
  Endpoint local;

  Accepted(base::UniqueFd fd, Endpoint peer_end, Endpoint local_end);
};

/// The ends of an already connected socket (inetd, -X).
Endpoint peer_of(int socket);
Endpoint local_of(int socket);

/// A listening socket that other processes share (descriptor 4 of a service). Raises the backlog.
///
/// The wait for a connection happens on a thread of its own with EPOLLEXCLUSIVE, so that one connection wakes one
/// process, not all of them (Asio registers without it); the accept itself happens on the loop, so that a loop that
/// lags takes fewer connections.
class Listener {
 public:
  Listener(Loop& loop, base::UniqueFd socket);

  /// The next connection. Errors: would_block (another process was faster: call again); limit (EMFILE, ENFILE, ENOMEM:
  /// pause, then call again); closed (the service was removed: EINVAL); io.
  Task<base::Result<Accepted>> accept();

  /// Waits until a connection is there or `time` is over, and takes nothing. True when one is there.
  Task<bool> wait_readable(Clock::duration time);

  /// Ends accept() and wait_readable() that are under way, with Errc::closed. Later calls may start again.
  void cancel();
};

}  // namespace net

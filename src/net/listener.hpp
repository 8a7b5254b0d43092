#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "net/endpoint.hpp"
#include "net/task.hpp"
#include "net/timer.hpp"

#include <cstddef>
#include <memory>

namespace net {

struct Accepted {
  base::UniqueFd socket;
  Endpoint peer;
  Endpoint local;

  Accepted(base::UniqueFd fd, Endpoint peer_end, Endpoint local_end);
};

/// The ends of an already connected socket (inetd, -X). Empty when it has none (a pipe, a Unix socket).
Endpoint peer_of(int socket);
Endpoint local_of(int socket);

/// True when whoever is at the other end is a program of this machine.
bool is_unix_socket(int socket);

/// A listening socket that other processes share (descriptor 4 of a service). Raises the backlog.
///
/// The wait for a connection happens on a thread of its own with EPOLLEXCLUSIVE, so that one connection wakes one
/// process, not all of them (Asio registers without it); the accept itself happens on the loop, so that a loop that
/// lags takes fewer connections. A process that is not inside accept() is never woken in the place of one that is.
///
/// The socket is made non-blocking, for every process that shares it. Made, used and destroyed on the loop's thread, or
/// while the loop does not run; the loop may be destroyed first. One operation at a time.
class Listener {
 public:
  /// Throws std::system_error when the system refuses the descriptors or the thread it needs.
  Listener(Loop& loop, base::UniqueFd socket);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  /// The next connection; while some are waiting, without going through the thread. Errors: would_block (another
  /// process was faster: call again); limit (EMFILE, ENFILE, ENOMEM: pause, then call again); closed (cancelled, or the
  /// service was removed: EINVAL, errnum tells); io.
  Task<base::Result<Accepted>> accept();

  /// Takes a connection that is there already; never waits. Errors: as accept(), would_block when there is none.
  base::Result<Accepted> accept_waiting();

  /// How many connections wait that no process has accepted yet. At most 1 for a socket that does not count them, and
  /// for one that is not listening any more: accept_waiting() tells.
  std::size_t waiting() const;

  /// False for a Unix socket: whether its queue moves cannot be seen.
  bool counts_waiting() const;

  /// Closes the socket of this process, so that the port is free once the others have closed theirs. No operation may
  /// be under way; later ones say closed.
  void close();

  /// Waits until a connection is there or `time` is over, and takes nothing. True when one is there; false also when
  /// cancelled. For a process that is full: it looks now and then and keeps no sibling from being woken.
  Task<bool> wait_readable(Clock::duration time);

  /// Ends accept() and wait_readable() that are under way. Later calls may start again. An accept() that has been woken
  /// already still returns its connection: the siblings have not been told of it.
  void cancel();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with the operation that waits, which may be resumed after our end
};

}  // namespace net

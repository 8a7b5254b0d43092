#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "net/task.hpp"
#include "net/timer.hpp"
#include "net/tls_context.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace net {

/// One client's connection: lines in, bytes out, plain or TLS. Owned by its session; used on the loop only.
///
/// Output is collected and leaves when flush() is called, when it passes kOutputHighWater inside write(), or before a
/// read that has to wait for the peer: pipelined replies leave together, a single one leaves at once, and a status
/// line or a final dot is never split over two writes of ours.
class Stream {
 public:
  /// Takes a connected stream socket (TCP or Unix) and makes it non-blocking. TCP_NODELAY is set where it applies.
  Stream(Loop& loop, base::UniqueFd socket);
  ~Stream();

  /// Reads up to and including the next LF; returns the line without it and without one CR before it. The view dies at
  /// the next read. Only whole lines are returned: what a lost peer left unfinished is dropped.
  ///
  /// A line of more than `limit` octets (line end not counted) is read to its end, thrown away and reported as Errc::limit;
  /// its tail is never seen as a command. Other errors: closed (end of file, reset); timeout (deadline); io (TLS).
  /// Waiting for more than `discard_limit` octets of such a line is Errc::closed.
  Task<base::Result<std::string_view>> read_line(std::size_t limit);

  /// True when a whole line has been received and not been read yet.
  bool has_line() const;
  /// Octets received and not read yet, whole line or not: must be 0 when STLS is answered (RFC 2595 s4).
  std::size_t unread() const;

  /// The output buffer: append replies here, then flush() or just read on.
  std::string& output();
  /// Sends what is collected. Waits while the peer reads slowly. Errors: closed, timeout, io.
  Task<base::Result<void>> flush();
  /// True when output() has passed the high-water mark: flush before adding more.
  bool output_is_full() const;

  /// Moves the deadline: any read or write still waiting then fails with Errc::timeout. Progress inside flush() moves
  /// the idle deadline too, when an idle time is set: a slow reader of a long message is alive.
  void set_idle_timeout(Clock::duration idle);   // restarted by every octet in either direction
  void set_deadline(Clock::time_point absolute); // Clock::time_point::max() for none

  /// Runs the server side of a TLS handshake on this connection. `output()` is flushed first; unread() must be 0.
  /// Errors: closed, timeout, io (text holds what OpenSSL said). After an error only destruction is left.
  Task<base::Result<TlsInfo>> start_tls(const TlsContext& context);
  bool is_tls() const;

  /// Orderly end: flush, close_notify under TLS, shutdown(SHUT_WR), then read and drop what the peer still sends for
  /// a moment, so that the last reply is not lost to a reset. Never fails, takes at most `patience`.
  Task<void> close(Clock::duration patience);

  /// Makes every pending and later read and write fail with Errc::closed. Callable from the loop at any time.
  void cancel();
};

}  // namespace net

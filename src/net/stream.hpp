#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "net/layer.hpp"
#include "net/stream_witness.hpp"
#include "net/task.hpp"
#include "net/timer.hpp"
#include "net/tls_context.hpp"
#include "net/tls_info.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace net {

/// One client's connection: lines in, bytes out, plain or TLS. Owned by its session; used on the loop only.
///
/// Output is collected and leaves when flush() is called, or inside read_line() when that has to wait for the peer or
/// when output() has passed kOutputHighWater: pipelined replies leave together, a single one leaves at once. One flush
/// is one write, under TLS one record for each 16 KiB, cut behind a line end: a status line or a final dot is not
/// split.
///
/// One operation at a time. A Stream that is destroyed while one waits ends it with Errc::closed; the loop must live.
/// Losing the peer's half of the connection (its FIN) ends reading only: replies to what it had sent still leave.
class Stream {
 public:
  static constexpr std::size_t kOutputHighWater = 32 * 1024;

  /// Takes a connected stream socket (TCP or Unix) and makes it non-blocking. TCP_NODELAY is set where it applies.
  /// A socket that the loop cannot watch (no memory) gives a stream whose operations fail with Errc::closed.
  Stream(Loop& loop, base::UniqueFd socket);
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&& other) noexcept;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  /// Reads up to and including the next LF; returns the line without it and without one CR before it. The view dies at
  /// the next read. Only whole lines are returned: what a lost peer left unfinished is dropped.
  ///
  /// A line of more than `limit` octets (line end not counted) is read to its end, thrown away and reported as
  /// Errc::limit; its tail is never seen as a command. Other errors: closed (end of file, reset); timeout (deadline);
  /// io (TLS). More than LineBuffer::kMaxDiscardOctets of such a line without an end are Errc::closed.
  Task<base::Result<std::string_view>> read_line(std::size_t limit);

  /// What has been received and not been read, at least one octet: waits if there is none. The octets stay until they
  /// are consumed; the view dies at the next read. For what does not come in lines of bounded length. Errors: those of
  /// read_line() but limit. Not behind a read_line() that failed.
  Task<base::Result<std::string_view>> read_octets();
  /// Counts the first `octets` of what read_octets() returned as read.
  void consume(std::size_t octets);

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

  /// A wait for the peer that lasts longer without an octet in either direction fails with Errc::timeout: a slow reader
  /// of a long message is alive, and what we take ourselves between two waits does not count. Zero for none (the
  /// default). Holds from the next wait on.
  void set_idle_timeout(Clock::duration idle);
  /// Any read or write that waits for the peer then, or later, fails with Errc::timeout, progress or not.
  /// Clock::time_point::max() for none (the default). Holds at once.
  void set_deadline(Clock::time_point absolute);

  /// Runs the server side of a TLS handshake on this connection. `output()` is flushed first; unread() must be 0, and
  /// there is no TLS yet (both are checked: the process stops). `context` may be destroyed once this has returned.
  /// Errors: closed, timeout, io (text holds what OpenSSL said). After an error only destruction is left.
  Task<base::Result<TlsInfo>> start_tls(const TlsContext& context);
  bool is_tls() const;

  /// Octets received and sent until now, as the protocol sees them: under TLS and under a layer, what is inside.
  std::uint64_t octets_in() const;
  std::uint64_t octets_out() const;
  /// Shows `witness` each block from now on, one at most; null: nobody. It must live until it is replaced, or the
  /// stream is closed, cancelled or destroyed.
  void set_witness(StreamWitness* witness);

  /// Sends what is collected as it is, then wraps all that follows, both ways, inside TLS if there is TLS. unread()
  /// must be 0 (it is checked: the process stops): octets that the client sent too early belong to neither side of the
  /// border. What a layer refuses is Errc::io. Errors: closed, timeout, io.
  Task<base::Result<void>> start_layer(std::unique_ptr<Layer> layer);
  bool has_layer() const;

  /// Orderly end: flush, close_notify under TLS, shutdown(SHUT_WR), then read and drop what the peer still sends for
  /// a moment, so that the last reply is not lost to a reset. Never fails, takes at most `patience` whatever deadlines
  /// are set; also after a timeout. Then only destruction is left.
  Task<void> close(Clock::duration patience);

  /// Makes every pending and later read and write fail with Errc::closed. Callable from the loop at any time.
  void cancel();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // shared with the operation that waits, which may be resumed after our end
};

}  // namespace net

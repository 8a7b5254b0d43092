#pragma once

#include "base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace service {

/// What a worker tells master (doc/format/service-protocol.md). The values are the wire's.
enum class Message : std::int32_t {
  available = 1,         ///< accepting again
  unavailable = 2,       ///< not accepting any more
  connection = 3,        ///< serving one connection, after `unavailable`
  connection_multi = 4,  ///< serving one more connection and still accepting
};

/// One status message: 8 bytes, two native 32-bit integers.
struct Status {
  std::int32_t message;  ///< may be a value that Message does not know
  std::int32_t pid;
};

inline constexpr std::size_t kStatusBytes = 8;
std::array<std::byte, kStatusBytes> encode(const Status& status);
Status decode(std::span<const std::byte, kStatusBytes> bytes);

/// The worker's end of the status pipe. Borrows the descriptor.
class StatusPipe {
 public:
  /// `fd` -1: there is no master, nothing is sent.
  explicit StatusPipe(int fd) : fd_(fd) {}

  /// Writes one message for this process. Errors: closed (master is gone, EPIPE); would_block (a full pipe on a
  /// non-blocking descriptor); io. One write of 8 bytes, so it is never torn. The process must ignore SIGPIPE.
  base::Result<void> send(Message message) const;

 private:
  int fd_;
};

/// Makes SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT tell master `unavailable` on `status_fd` before the process dies
/// of them, on a stack of their own: five crashes of a worker that master holds for ready would close the port.
/// `status_fd` -1: only restores the default actions.
///
/// Call it in the process that serves, after its last fork: the message carries the pid of the call. The stack is that
/// of the calling thread only; other threads announce on the stack on which they fail, which a stack overflow of theirs
/// does not survive.
void announce_fatal_signals(int status_fd);

}  // namespace service

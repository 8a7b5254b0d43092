#pragma once

#include "base/result.hpp"
#include "service/status.hpp"

#include <cstddef>
#include <vector>

namespace service {

/// What one look at a status pipe brought.
struct StatusBatch {
  std::vector<Status> messages;  ///< in the order of arrival; empty when nothing was waiting
  std::size_t stray_bytes = 0;   ///< 1 to 7 bytes that were no whole message; they have been dropped
};

/// At most this many messages come at once: one worker that writes without end must not hold up the others.
inline constexpr std::size_t kMaxBatch = 1024;

/// Master's end: takes what waits in the pipe `fd`, which must be non-blocking. Never waits.
///
/// Writers write eight bytes at a time, and such writes are never torn. So a remainder is the work of a broken writer,
/// and dropping it puts the next message back on its boundary.
/// Errors: closed (no writer is left); io.
base::Result<StatusBatch> read_statuses(int fd);

}  // namespace service

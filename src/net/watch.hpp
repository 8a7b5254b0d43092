#pragma once

#include "net/task.hpp"

namespace net {

/// Completes when `fd` reports a hang-up or an error: a status pipe whose reader has died, a peer that is gone. Reads
/// nothing, changes no flag of the descriptor (others may share it), and works for an end that is only written to.
///
/// Borrows `fd`, which must stay open until then. Throws std::system_error when the system cannot watch it.
Task<void> wait_for_hangup(Loop& loop, int fd);

}  // namespace net

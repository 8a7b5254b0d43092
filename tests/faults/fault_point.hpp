#pragma once

#include "faults/fault_control.hpp"
#include "faults/fault_list.hpp"
#include "faults/fault_site.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace faults {

/// What a session does while something goes wrong.
enum class Operation { open, retr, update };
std::string_view name(Operation operation);

/// What came of one point: one operation with the n-th call of a kind going wrong.
struct Outcome {
  bool fired = false;        ///< false: the operation ended before there was an n-th call
  bool fired_apart = false;  ///< it was a child's call (base::run_apart)
  bool killed = false;       ///< as planned
  bool completed = false;    ///< the operation succeeded all the same, or was completed by a child
  bool untouched = false;    ///< not completed, and every byte of the store is as before
  std::string problem;       ///< what is not as promised; empty: all is well
  std::string where;         ///< the file of the call
};

/// Runs the operation in a child process on a fresh copy of the site, and then looks for everything that was promised.
///
/// Completed: the listing, the messages, the deletions are right, and what was acknowledged was synced. Not completed:
/// an io error whose reply is -ERR [SYS/TEMP], and nothing is removed. Killed: all of that was done or nothing, and all
/// when the kill came while a child wrote. In each case: the index is valid, it and the quota root count right, no
/// message file is missing or changed, nothing else in the store differs but what UPDATE may write; no descriptor is
/// left, and the same again without a fault, in the same process unless it was killed, succeeds and leaves what was
/// asked for.
///
/// `control` is shared with the children, and the preloaded library uses it.
Outcome run_point(const Site& site, Operation operation, const Fault& fault, std::uint64_t nth, Control& control);

}  // namespace faults

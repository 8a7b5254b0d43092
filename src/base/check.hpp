#pragma once

#include <string_view>

namespace base {

/// Writes "CHECK failed: EXPRESSION at FILE:LINE" to standard error and syslog, then aborts.
[[noreturn]] void check_failed(std::string_view expression, const char* file, int line) noexcept;

}  // namespace base

/// Stops the process when an invariant of ours is broken: on a mail store, dead beats wrong.
/// Never for anything that a peer, a file or an administrator can cause.
#define CHECK(expression) \
  (static_cast<bool>(expression) ? static_cast<void>(0) : base::check_failed(#expression, __FILE__, __LINE__))

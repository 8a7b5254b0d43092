#pragma once

#include "net/task.hpp"

#include <chrono>

namespace net {

using Clock = std::chrono::steady_clock;

/// Suspends the calling session only.
Task<void> sleep_for(Clock::duration time);

}  // namespace net

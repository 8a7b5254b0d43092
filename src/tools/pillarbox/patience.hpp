#pragma once

#include "base/result.hpp"

#include <chrono>
#include <thread>

namespace tools {

/// Calls `work` again while it answers Errc::busy: the store never waits for locks, a command does, for `limit`.
/// Blocks.
template <class Work>
auto patiently(std::chrono::milliseconds limit, const Work& work) -> decltype(work()) {
  constexpr std::chrono::milliseconds kPause{20};
  const auto end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    auto result = work();
    const bool again = !result && result.error().code == base::Errc::busy && std::chrono::steady_clock::now() < end;
    if (!again) return result;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace tools

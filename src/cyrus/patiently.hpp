#pragma once

#include "base/result.hpp"

#include <chrono>
#include <thread>

namespace cyrus {

/// What `call` returns, asked again for some 50 milliseconds while it says Errc::busy: for databases that everybody
/// locks for one lookup or transaction.
template <class Call>
auto patiently(const Call& call) -> decltype(call()) {
  constexpr int kAttempts = 25;
  constexpr std::chrono::milliseconds kPause{2};
  for (int attempt = 1;; ++attempt) {
    auto result = call();
    if (result || result.error().code != base::Errc::busy || attempt == kAttempts) return result;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace cyrus

#pragma once

#include <cstdint>

namespace faults {

// A process costs so much more to start with the address sanitizer that only every so many of the points are visited
// there: dev visits all.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr std::uint64_t kStride = 5;
#else
inline constexpr std::uint64_t kStride = 1;
#endif

}  // namespace faults

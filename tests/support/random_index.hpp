#pragma once

#include "cyrus/index_header.hpp"
#include "cyrus/index_record.hpp"

#include <cstdint>
#include <random>

namespace support {

/// Random numbers of a test, from a seed that its failure message shows.
using Random = std::mt19937_64;

/// A number in low..high, both included.
inline std::uint64_t pick(Random& random, std::uint64_t low, std::uint64_t high) {
  return std::uniform_int_distribution<std::uint64_t>(low, high)(random);
}

inline bool chance(Random& random, int percent) { return pick(random, 1, 100) <= static_cast<std::uint64_t>(percent); }

/// A header with a random value in every field that `version` has, and zero in the others; exists is above 0 and
/// highestmodseq too, so that reading it back changes nothing.
cyrus::IndexHeader random_header(Random& random, std::uint32_t version);

/// A record with a random value in every field that `version` has, and zero in the others.
cyrus::IndexRecord random_record(Random& random, std::uint32_t version);

}  // namespace support

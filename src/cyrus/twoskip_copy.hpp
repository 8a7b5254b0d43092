#pragma once

#include "base/result.hpp"
#include "cyrus/twoskip_file.hpp"
#include "cyrus/twoskip_format.hpp"

#include <cstdint>
#include <functional>
#include <random>

namespace cyrus {

/// Chooses the level of a new record: 1, and one more with probability 1/2 each time, up to 31.
std::uint8_t random_twoskip_level(std::minstd_rand& random);

/// Calls its argument for each item, keys rising, until that returns false. Must give the same items each time.
using TwoskipSource = std::function<base::Result<void>(const std::function<bool(TwoskipItem&&)>& visit)>;

/// Writes a new version of `file` that has just the items of `source`, in one transaction, reads it back whole, and
/// puts it in the place of the old one, durably. `replaced` is as in TwoskipFile::replace_by(); when it stays false the
/// file is as it was. Errors: corrupt (what was read back differs, or the source contradicts itself); limit;
/// permission; io.
base::Result<TwoskipHeader> replace_twoskip(TwoskipFile& file, std::uint64_t generation, const TwoskipSource& source,
                                            std::minstd_rand& random, bool& replaced);

}  // namespace cyrus

#pragma once

#include "base/result.hpp"
#include "cyrus/twoskip_reader.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace cyrus {

/// Calls `visit` for each line of a flat database, `key TAB value LF`, until it returns false. `text` is the whole
/// file. Bytes that Cyrus escaped (NUL, TAB, CR, LF, 0xFF) are restored. Errors: corrupt.
base::Result<void> walk_flat(std::string_view text, const std::string& what,
                             const std::function<bool(TwoskipItem&&)>& visit);

}  // namespace cyrus

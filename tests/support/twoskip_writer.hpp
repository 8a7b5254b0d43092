#pragma once

#include "support/random_index.hpp"

#include <map>
#include <string>
#include <string_view>

namespace support {

/// The bytes of a clean twoskip file with these records, as one committed transaction on an empty file leaves it.
/// Levels are random. Written from doc/format/twoskip.md, without a look at the reader.
std::string twoskip_bytes(const std::map<std::string, std::string>& records, Random& random);

/// `text` as one item of a dlist: bare, quoted, or a literal, whichever Cyrus would write.
std::string dlist_string(std::string_view text);

}  // namespace support

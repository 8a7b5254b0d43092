#pragma once

#include <string_view>

namespace mime {

/// Whether a cache record of version 11 keeps header fields of this name. Without regard to case.
bool is_cached_header(std::string_view name);

}  // namespace mime

#pragma once

#include "base/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace auth {

/// True when the whole of `text` matches `pattern`: `*` any octets, `?` one, `[a-z]` and `[^a-z]` one of a set, `\` the
/// next as it is. Pure; the time is bounded by the product of the sizes.
bool wildmat(std::string_view text, std::string_view pattern);

/// Reads what user_deny.db has about a user: `2 TAB pattern,pattern TAB message`, or `1 TAB pattern,pattern`. The first
/// pattern that matches `service` decides; `!` in front of it lets the user in. Pure.
///
/// Returns the text for the blocked user, or nullopt when the entry lets him in. Errors: corrupt; unsupported (a
/// version to come).
base::Result<std::optional<std::string>> denial(std::string_view value, std::string_view service);

}  // namespace auth

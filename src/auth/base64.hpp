#pragma once

#include "base/result.hpp"
#include "base/secret.hpp"

#include <string>
#include <string_view>

/// The base64 of SASL lines (RFC 4648 s4, RFC 5034 s4).
namespace auth {

/// With padding, without line breaks.
std::string base64_encode(std::string_view bytes);

/// The inverse, strictly: whole groups of four, padding only at the end, no other byte (also no white space), no bits
/// behind the last octet. A Secret, because it is often a password.
/// Errors: invalid.
base::Result<base::Secret> base64_decode(std::string_view text);

}  // namespace auth

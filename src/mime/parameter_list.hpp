#pragma once

#include "mime/field_scanner.hpp"
#include "mime/structured_field.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mime {

/// The rest of a field as its parameters, those that RFC 2231 s3 has split joined. What is no parameter is skipped up
/// to the next semicolon.
std::vector<Parameter> parse_parameters(FieldScanner& in);

/// The UTF-8 of an extended value, `charset'language'text` with %XX (RFC 2231 s4). Nothing if it is none, or of a
/// charset that is not known.
std::optional<std::string> decode_extended_value(std::string_view value);

}  // namespace mime

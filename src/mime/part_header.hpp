#pragma once

#include "mime/message.hpp"

#include <cstddef>
#include <string_view>

namespace mime {

/// Fills in what the header of a part says. Of a field that is repeated, the last counts, also if nothing can be read
/// from it. With `is_message` the envelope is read too. A part without a usable Content-Type is text/plain in US-ASCII
/// or, with `in_digest`, message/rfc822 (RFC 2046 s5.1.5).
void read_part_header(Part& part, std::string_view header, std::size_t max_lines, bool is_message, bool in_digest);

}  // namespace mime

#pragma once

#include "mime/message.hpp"

#include <string>

namespace mime {

/// The SECTION item of a cache record: where the parts of a message are, in the layout of cache version 11
/// (doc/format/cache.md).
std::string section_item(const Message& message);

}  // namespace mime

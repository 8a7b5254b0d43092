#pragma once

#include <string>

namespace base {
std::string fine();  // RFC 1939 s3, s5 LIST; RFC 3206
}  // namespace base

#pragma once

#include <string_view>

namespace server {

/// How our services name themselves where the original gives its version.
inline constexpr std::string_view kVersion = "Pillarbox-" PILLARBOX_VERSION;

}  // namespace server

#pragma once

#include "auth/sasl_settings.hpp"

#include <string_view>

namespace auth {

/// Whether somebody of this name, as canonical_name() makes it, may log in as far as its realm goes. Without virtual
/// domains a name with '@' comes from another realm, which must be named in loginrealms.
bool realm_may_log_in(std::string_view name, const SaslSettings& settings);

}  // namespace auth

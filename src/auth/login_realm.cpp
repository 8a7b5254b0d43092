#include "auth/login_realm.hpp"

#include "base/word_list.hpp"

namespace auth {

bool realm_may_log_in(std::string_view name, const SaslSettings& settings) {
  const auto at = name.find('@');
  const bool realms_count = settings.names.virtual_domains == VirtualDomains::off || !settings.login_realms.empty();
  return at == std::string_view::npos || !realms_count || base::lists_realm(settings.login_realms, name.substr(at + 1));
}

}  // namespace auth

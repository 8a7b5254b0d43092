#include "lmtpd/recipient.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <utility>

namespace lmtpd {

Target target_of(const lmtp::Path& path, const RecipientRules& rules) {
  Target out;
  const std::size_t plus = std::min(path.local.find('+'), path.local.size());
  const std::string_view user = std::string_view(path.local).substr(0, plus);
  if (plus < path.local.size()) out.folder = path.local.substr(plus + 1);
  if (rules.virtual_domains && !path.domain.empty() &&
      !base::ascii::equal_ignoring_case(path.domain, rules.default_domain)) {
    out.domain = base::ascii::lower(path.domain);
  }
  if (user == rules.post_user) {
    out.shared = true;
    return out;
  }
  out.user = rules.fold_case ? base::ascii::lower(user) : std::string(user);
  if (!out.domain.empty()) out.user += "@" + std::exchange(out.domain, {});
  return out;
}

}  // namespace lmtpd

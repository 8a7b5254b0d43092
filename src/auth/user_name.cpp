#include "auth/user_name.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <utility>

// The steps are those of the original, in its order, with three refusals added. A name with two '@' under virtual
// domains is cut at the last '@' by the mail store but at the first by some password back ends; and a '+' that is left
// once the folder was taken off would be taken for another folder the next time, and white space beside the '@' would
// become the end of a name. Each way two programs would mean different users by one name.

namespace auth {
namespace {

namespace ascii = base::ascii;

/// Special to mailbox names, to IMAP patterns, to passwd(5) or to terminals; 8-bit names cannot be mailboxes.
bool is_forbidden(char c) {
  constexpr std::string_view kSpecial = "%&*/:?";
  return ascii::is_control(c) || static_cast<unsigned char>(c) >= 0x80 || kSpecial.find(c) != std::string_view::npos;
}

base::Result<std::string> take_subfolder(std::string& name, const NameRules& rules) {
  const auto plus = name.find('+');
  if (plus == std::string::npos) return std::string{};
  auto end = rules.virtual_domains == VirtualDomains::off ? name.size() : name.find('@', plus);
  if (end == std::string::npos) end = name.size();

  std::string folder = name.substr(plus + 1, end - plus - 1);
  if (folder.size() > kMaxSubfolder) return base::fail(base::Errc::limit, "login name: folder too long");
  if (std::any_of(folder.begin(), folder.end(), ascii::is_control)) {
    return base::fail(base::Errc::invalid, "login name: bad byte in the folder");
  }
  name.erase(plus, end - plus);
  if (name.find('+') != std::string::npos) return base::fail(base::Errc::invalid, "login name: two folders");
  return folder;
}

bool is_anonymous(std::string_view local) { return ascii::equal_ignoring_case(local, "anonymous"); }

bool is_anyone(std::string_view local) {
  return ascii::equal_ignoring_case(local, "anyone") || ascii::equal_ignoring_case(local, "anybody");
}

}  // namespace

base::Result<UserName> canonical_name(std::string_view typed, const NameRules& rules) {
  using base::Errc;
  if (typed.size() > kMaxTypedName) return base::fail(Errc::limit, "login name: too long");

  std::string name{ascii::trim(typed)};
  std::string folder;
  if (rules.subfolders) {
    auto taken = take_subfolder(name, rules);
    if (!taken) return tl::unexpected(std::move(taken.error()));
    folder = std::move(*taken);
  }

  std::string local{ascii::trim(name)};
  std::string domain;
  bool has_domain = false;
  if (rules.virtual_domains != VirtualDomains::off) {
    auto at = local.rfind('@');
    if (at == std::string::npos) at = local.rfind('%');
    if (at != std::string::npos) {
      has_domain = true;
      domain = local.substr(at + 1);
      local.erase(at);
      if (domain.empty()) return base::fail(Errc::invalid, "login name: no domain after '@'");
      if (local.find('@') != std::string::npos) return base::fail(Errc::invalid, "login name: two domains");
      // Cutting the default domain off "ann @example.com" would leave a name that is not the one that was looked up.
      if (ascii::trim(local) != local || ascii::trim(domain) != domain) {
        return base::fail(Errc::invalid, "login name: white space beside '@'");
      }
    }
  }
  if (local.empty()) return base::fail(Errc::invalid, "login name: empty");

  if (is_anonymous(local)) return UserName{"anonymous", std::move(folder)};
  if (is_anyone(local)) return UserName{"anyone", std::move(folder)};

  if (has_domain) {
    if (!rules.default_domain.empty() && ascii::equal_ignoring_case(domain, rules.default_domain)) domain.clear();
  } else if (rules.virtual_domains == VirtualDomains::on &&
             !ascii::equal_ignoring_case(rules.local_domain, rules.default_domain)) {
    domain = rules.local_domain;
  }

  if (rules.hierarchy_dot) {
    const bool separates = local.find('.') != std::string::npos;
    if (separates) return base::fail(Errc::invalid, "login name: '.' separates folders");
  }

  std::string user = std::move(local);
  if (!domain.empty()) user.append("@").append(domain);
  if (user.size() > kMaxUserName) return base::fail(Errc::limit, "login name: too long");
  if (std::any_of(user.begin(), user.end(), is_forbidden)) return base::fail(Errc::invalid, "login name: bad byte");
  if (rules.fold_case) user = ascii::lower(user);
  return UserName{std::move(user), std::move(folder)};
}

}  // namespace auth

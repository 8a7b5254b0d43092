#include "service/privileges.hpp"

#include "base/check.hpp"

#include <cerrno>
#include <cstdlib>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace service {
namespace {

using base::Errc;

std::optional<std::string> choose(const char* variable, std::optional<std::string_view> option) {
  if (const char* const value = std::getenv(variable); value != nullptr && *value != '\0') return std::string(value);
  if (option && !option->empty()) return std::string(*option);
  return std::nullopt;
}

}  // namespace

base::Result<Identity> find_identity(std::optional<std::string_view> user, std::optional<std::string_view> group) {
  const std::string user_name = choose("CYRUS_USER", user).value_or("cyrus");
  errno = 0;
  // The forms that are not thread-safe do here: the process has one thread yet.
  const struct passwd* const entry = ::getpwnam(user_name.c_str());
  if (entry == nullptr) {
    if (errno != 0) return base::fail_system("user " + user_name, errno);
    return base::fail(Errc::not_found, "user " + user_name + ": no such user (option cyrus_user)");
  }
  Identity identity{user_name, entry->pw_uid, entry->pw_gid};
  if (identity.uid == 0) return base::fail(Errc::invalid, "user " + user_name + ": services must not run as root");

  if (const auto group_name = choose("CYRUS_GROUP", group)) {
    errno = 0;
    const struct group* const found = ::getgrnam(group_name->c_str());
    if (found == nullptr) {
      if (errno != 0) return base::fail_system("group " + *group_name, errno);
      return base::fail(Errc::not_found, "group " + *group_name + ": no such group (option cyrus_group)");
    }
    identity.gid = found->gr_gid;
  }
  return identity;
}

base::Result<void> become(const Identity& identity) {
  CHECK(identity.uid != 0);
  const std::string what = "become user " + identity.user;
  if (::initgroups(identity.user.c_str(), identity.gid) != 0) return base::fail_system(what, errno);
  if (::setresgid(identity.gid, identity.gid, identity.gid) != 0) return base::fail_system(what, errno);
  if (::setresuid(identity.uid, identity.uid, identity.uid) != 0) return base::fail_system(what, errno);
  CHECK(::setuid(0) != 0);
  return {};
}

}  // namespace service

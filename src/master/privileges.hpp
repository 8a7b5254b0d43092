#pragma once

#include "base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace master {

/// Whom the services run as.
struct Identity {
  std::string user;
  uid_t uid;
  gid_t gid;
};

/// The user and group of the system's database: CYRUS_USER of the environment, else `user` (the option cyrus_user),
/// else "cyrus"; CYRUS_GROUP, else `group`, else the user's primary group. Errors: not_found (no such user or group);
/// invalid (the user is root: no service may be); io.
base::Result<Identity> find_identity(std::optional<std::string_view> user, std::optional<std::string_view> group);

/// Gives up root for good: supplementary groups, group, user, and then proves that there is no way back.
/// Only for a process that is root. Errors: permission; io.
base::Result<void> become(const Identity& identity);

}  // namespace master

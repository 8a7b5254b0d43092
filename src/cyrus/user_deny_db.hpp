#pragma once

#include "base/result.hpp"
#include "config/imapd_conf.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace cyrus {

/// user_deny.db: who may not use which service. Read only, opened anew for each question; thread-safe.
///
/// Its kind is told by its content: flat, skiplist or twoskip. A file that is not there blocks nobody.
class UserDenyDb {
 public:
  /// The file that imapd.conf names. Errors: unsupported (userdeny_db says sql or twom, which we cannot read).
  static base::Result<UserDenyDb> configured(const config::ImapdConf& conf);

  UserDenyDb() = default;
  explicit UserDenyDb(std::string path) : path_(std::move(path)) {}

  /// The value of a canonical user name, see auth/user_deny.hpp; nullopt: none.
  ///
  /// Blocks on disk, never on locks. Errors: busy (a writer holds the lock: call again); corrupt; unsupported; limit;
  /// permission; io.
  base::Result<std::optional<std::string>> find(std::string_view user) const;

 private:
  std::string path_;
};

}  // namespace cyrus

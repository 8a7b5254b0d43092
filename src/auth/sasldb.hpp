#pragma once

#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/imapd_conf.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace auth {

/// Somebody with a password in sasldb.
struct SasldbUser {
  std::string name;
  std::string realm;

  friend bool operator==(const SasldbUser&, const SasldbUser&) = default;
  friend auto operator<=>(const SasldbUser&, const SasldbUser&) = default;
};

/// sasldb, the password file of libsasl2, for those who administer it. Realms are as at a login: what stands behind
/// '@', else the server's name (option servername, or the host's).
///
/// libsasl2 has one state per process: one of these at a time, and no Authenticator beside it. Everything blocks on
/// disk.
class Sasldb {
 public:
  /// Opens nothing but libsasl2. `conf` must outlive it. Errors: busy (libsasl2 is in use in this process); io.
  static base::Result<std::unique_ptr<Sasldb>> create(const config::ImapdConf& conf);
  ~Sasldb();
  Sasldb(const Sasldb&) = delete;
  Sasldb& operator=(const Sasldb&) = delete;

  /// Whom a name that an administrator typed means, by the rules of a login. Errors: invalid; limit.
  base::Result<SasldbUser> user_of(std::string_view typed) const;

  /// Whether the name, as it was typed, may log in as far as its realm goes: loginrealms, virtdomains.
  bool may_log_in(std::string_view typed) const;

  /// All users, sorted. A file that is not there has none. Errors: permission; corrupt; io.
  base::Result<std::vector<SasldbUser>> list() const;

  /// Sets a password; add() for somebody new, change() for somebody who is there. The file is made when missing.
  /// Errors: invalid (add(): exists already; an unusable password); not_found (change(), remove()); permission; busy
  /// (another of these is writing); io.
  base::Result<void> add(const SasldbUser& user, const base::Secret& password);
  base::Result<void> change(const SasldbUser& user, const base::Secret& password);
  base::Result<void> remove(const SasldbUser& user);

  const std::filesystem::path& file() const;
  /// The realm of names without one.
  const std::string& default_realm() const;

 private:
  struct State;
  explicit Sasldb(std::unique_ptr<State> state);
  base::Result<void> set(const SasldbUser& user, std::string_view password, unsigned flags, bool must_exist);

  std::unique_ptr<State> state_;
};

}  // namespace auth

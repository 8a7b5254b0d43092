#pragma once

#include "auth/user_name.hpp"
#include "base/log.hpp"
#include "config/imapd_conf.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace auth {

struct Channel;

/// What every exchange of a process needs of imapd.conf, read once.
struct SaslSettings {
  SaslSettings(const config::ImapdConf& conf, const base::Log& log_lines);

  const base::Log& log;
  NameRules names;          ///< without local_domain, which depends on the connection
  bool hierarchy_dot;       ///< unixhierarchysep off: USER takes no '.'
  std::string server_name;  ///< servername, or the host's name: SASL's FQDN and the realm of sasldb
  std::string admins;
  std::string proxy_servers;
  std::string login_realms;
  bool unix_groups;
  bool allow_plaintext;
  bool allow_anonymous;
  unsigned minimum_layer;  ///< sasl_minimum_layer, bits
  unsigned maximum_layer;  ///< sasl_maximum_layer, bits
  int log_level;           ///< sasl_log_level, on libsasl2's scale

  /// The password file that all auxprop lookups need and that is not there; nullopt when it is, or when the
  /// configuration does not say that sasldb must have it. Blocks on disk.
  std::optional<std::string> missing_password_file() const;

  /// True when a clear-text password may be taken on the channel.
  bool plaintext_allowed(const Channel& channel) const;
  /// True when the channel is weaker than sasl_minimum_layer and no layer of SASL's own could make up for it.
  bool too_weak(const Channel& channel) const;
  /// The user that the client's certificate names. nullopt: none, or a name that is not exactly a user's: one that
  /// login names would be cut, rewritten or widened from ("a+b", "a%b", "anyone"). Case and the default domain may
  /// differ.
  std::optional<std::string> certificate_user(const Channel& channel) const;

 private:
  std::optional<std::string> password_file_;
};

/// Hands a line of libsasl2 on, if sasl_log_level asks for it. Levels above SASL_LOG_DEBUG trace protocols with their
/// passwords and are dropped whatever the option says.
void log_sasl_line(const SaslSettings& settings, int level, std::string_view line) noexcept;

}  // namespace auth

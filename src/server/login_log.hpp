#pragma once

#include "config/imapd_conf.hpp"

#include <optional>
#include <string>
#include <string_view>

/// The lines of the log that tell of logins (doc/format/log-lines.md). Pure.
namespace server {

/// Option log_format.
enum class LogFormat {
  classic,  ///< the words of Cyrus 3.6
  logfmt,   ///< the key=value pairs of its later releases
};

LogFormat log_format(const config::ImapdConf& conf);

/// A login that worked. Everything but `session_id` may come from outside.
struct GoodLogin {
  std::string client;                    ///< "name [ip]"
  std::string user;                      ///< whose mailbox it is
  std::optional<std::string> subfolder;  ///< "+folder"
  std::string mechanism;                 ///< "plaintext", or as the client typed it
  bool tls = false;
  std::string session_id;  ///< "": not told
};

std::string login_line(LogFormat format, const GoodLogin& login);

/// The same for the user anonymous, whose password is an address, if the client is honest.
std::string anonymous_login_line(LogFormat format, const GoodLogin& login, const std::string& password);

/// A login that was refused.
struct BadLogin {
  std::string client;
  std::string mechanism;
  std::optional<std::string> user;  ///< nullopt: it did not get known
  std::string reason;
};

/// fail2ban reads these (contrib/fail2ban): the address is the first thing in brackets, and nothing that a client
/// chose stands before it.
std::string bad_login_line(LogFormat format, const BadLogin& login);

/// Two reasons that Cyrus words in a way of their own: a name that nobody can have, and the user anonymous where
/// allowanonymouslogin is off.
inline constexpr std::string_view kInvalidUser = "invalid user";
inline constexpr std::string_view kAnonymousRefused = "anonymous login refused";

}  // namespace server

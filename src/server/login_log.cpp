#include "server/login_log.hpp"

#include "base/log_text.hpp"

#include <algorithm>

namespace server {
namespace {

/// What Cyrus shows for a name that is not known.
constexpr std::string_view kNoUser = "-notset-";

/// The name of a mechanism as the client typed it, or "invalid" for what is none (RFC 4422 s3.1): a name in brackets
/// could pass for the client's address.
std::string shown_mechanism(const std::string& typed) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  constexpr std::size_t kMostOctets = 20;
  const bool is_name =
      !typed.empty() && typed.size() <= kMostOctets && typed.find_first_not_of(kLetters) == std::string::npos;
  return is_name ? typed : "invalid";
}

base::Logfmt begin_good(const GoodLogin& login, std::optional<std::string_view> user) {
  base::Logfmt line("login.good");
  if (!login.session_id.empty()) line.add("r.sessionid", login.session_id);
  line.add("r.clienthost", login.client);
  if (user) line.add("u.username", user);
  line.add("login.mech", shown_mechanism(login.mechanism)).add("login.tls", login.tls ? 1 : 0);
  return line;
}

}  // namespace

LogFormat log_format(const config::ImapdConf& conf) {
  return conf.choice(config::Option::log_format) == "logfmt" ? LogFormat::logfmt : LogFormat::classic;
}

std::string login_line(LogFormat format, const GoodLogin& login) {
  if (format == LogFormat::logfmt) {
    return begin_good(login, login.user).add("pop.subfolder", login.subfolder).line();
  }
  return "login: " + login.client + " " + login.user + login.subfolder.value_or("") + " " +
         shown_mechanism(login.mechanism) + (login.tls ? "+TLS" : "") + " User logged in" +
         (login.session_id.empty() ? "" : " SESSIONID=<" + login.session_id + ">");
}

std::string anonymous_login_line(LogFormat format, const GoodLogin& login, const std::string& password) {
  if (format == LogFormat::logfmt) {
    return begin_good(login, std::nullopt).add("login.anonymous", 1).add("login.password", password).line();
  }
  return "login: " + login.client + " anonymous " + password;
}

std::string bad_login_line(LogFormat format, const BadLogin& login) {
  const std::string mechanism = shown_mechanism(login.mechanism);
  if (format == LogFormat::logfmt) {
    return base::Logfmt("login.bad")
        .add("r.clienthost", login.client)
        .add("u.username", login.user)
        .add("login.mech", mechanism)
        .add("error", login.reason)
        .line();
  }
  if (login.reason == kAnonymousRefused) return "badlogin: " + login.client + " " + login.reason;
  const std::string reason = login.reason == kInvalidUser ? login.reason : "[" + login.reason + "]";
  return "badlogin: " + login.client + " " + mechanism + " (" + login.user.value_or(std::string(kNoUser)) + ") " +
         reason;
}

}  // namespace server

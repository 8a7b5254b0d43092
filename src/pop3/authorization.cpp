#include "pop3/authorization.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <utility>

namespace pop3 {
namespace {

constexpr auto npos = std::string_view::npos;

/// The octets that Cyrus's unix authorisation accepts in a name.
bool is_name_octet(char c) {
  constexpr std::string_view kForbidden = "%&*/:?";
  return static_cast<unsigned char>(c) < 0x80 && !base::ascii::is_control(c) && kForbidden.find(c) == npos;
}

/// `typed` without its subfolder.
std::string without_subfolder(std::string_view typed, const LoginRules& rules) {
  const std::size_t plus = rules.subfolders ? typed.find('+') : npos;
  if (plus == npos) return std::string(typed);
  std::string name(typed.substr(0, plus));
  const std::size_t at = rules.virtual_domains ? typed.find('@', plus) : npos;
  if (at != npos) name += typed.substr(at);
  return name;
}

bool is_acceptable(std::string_view typed, const LoginRules& rules) {
  if (typed.size() > kMaxUserArgumentOctets) return false;
  // The name's log line and its pending copy hold the subfolder too, whose letters the store will judge.
  if (std::any_of(typed.begin(), typed.end(),
                  [](char c) { return base::ascii::is_control(c) || static_cast<unsigned char>(c) >= 0x80; })) {
    return false;
  }
  std::string name = without_subfolder(typed, rules);
  if (rules.virtual_domains && name.find('@') == npos) {
    const std::size_t percent = name.rfind('%');  // the old way to write '@'
    if (percent != npos) name[percent] = '@';
  }
  if (name.empty() || name.size() > kMaxUserOctets) return false;
  if (!std::all_of(name.begin(), name.end(), is_name_octet)) return false;
  const std::size_t dot = rules.hierarchy_dot ? name.find('.') : npos;
  if (dot == npos) return true;
  const std::size_t at = rules.virtual_domains ? name.find('@') : npos;
  return at != npos && at < dot;
}

std::string without_trailing_blanks(std::string name) {
  name.resize(name.find_last_not_of(' ') + 1);  // npos + 1 is 0
  return name;
}

Line needs_layer(std::string_view keyword) {
  return err("[AUTH] " + std::string(keyword) + " command only available under a layer");
}

}  // namespace

bool lacks_required_tls(const LoginRules& rules) { return rules.tls_required && !rules.tls_active; }

bool allows_user(const LoginRules& rules) {
  return !lacks_required_tls(rules) && (rules.tls_active || rules.external_ssf > 1 || rules.allow_plaintext);
}

AuthorizationStep Authorization::step(Command command, const LoginRules& rules) {
  if (auto* const given = std::get_if<User>(&command)) return user(std::move(given->name), rules);
  if (auto* const given = std::get_if<Pass>(&command)) return pass(std::move(given->password));
  if (auto* const given = std::get_if<Auth>(&command)) {
    if (lacks_required_tls(rules)) return needs_layer("AUTH");
    if (given->mechanism.empty()) return ListMechanisms{};
    return StartSasl{std::move(given->mechanism), std::move(given->initial_response)};
  }
  if (auto* const given = std::get_if<Apop>(&command)) return apop(std::move(*given), rules);
  if (std::holds_alternative<Stls>(command)) return stls(rules);
  return err(kUnrecognized);
}

AuthorizationStep Authorization::user(std::string name, const LoginRules& rules) {
  // Refused here, before the client has sent the password that goes with it.
  if (!allows_user(rules)) return needs_layer("USER");
  if (pending_user_) return err("[AUTH] Must give PASS command");
  // libsasl takes trailing blanks off a name, so they are no part of it here either.
  std::string typed = without_trailing_blanks(std::move(name));
  if (!is_acceptable(typed, rules)) return RefuseName{std::move(typed), err("[AUTH] Invalid user")};
  pending_user_ = std::move(typed);
  return ok("Name is a valid mailbox");
}

AuthorizationStep Authorization::pass(base::Secret password) {
  if (!pending_user_) return err("[AUTH] Must give USER command");
  CheckPassword step{std::move(*pending_user_), std::move(password)};
  pending_user_.reset();
  return step;
}

// RFC 1939 s7. Without a challenge in the greeting there is no such command.
AuthorizationStep Authorization::apop(Apop command, const LoginRules& rules) {
  if (!rules.apop_offered) return err(kUnrecognized);
  if (command.name.empty()) return err("Missing argument");
  if (lacks_required_tls(rules)) return needs_layer("APOP");
  if (pending_user_) return err("[AUTH] Must give PASS command");
  std::string typed = without_trailing_blanks(std::move(command.name));
  if (!is_acceptable(typed, rules)) return err("[AUTH] Invalid user");
  return CheckApop{std::move(typed), std::move(command.digest)};
}

AuthorizationStep Authorization::stls(const LoginRules& rules) {
  if (!rules.stls_offered) return err(kUnrecognized);
  if (rules.tls_active) return err("Already successfully executed STLS");
  reset();
  return StartTls{};
}

Line login_failed() { return err("[AUTH] Invalid login"); }

Line sasl_failed(std::string_view detail) { return err("[AUTH] " + std::string(detail)); }

Line login_unavailable() { return err("[SYS/TEMP] authentication service unavailable: wait and try again"); }

}  // namespace pop3

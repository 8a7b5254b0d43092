#include "pop3/capabilities.hpp"

#include "base/ascii.hpp"

#include <algorithm>

namespace pop3 {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

void append_line(std::string_view line, std::string& to) {
  to += line;
  to += kLineEnd;
}

/// Names and versions come from a configuration file: whatever stands there, it stays on its line.
std::string on_one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(line.begin(), line.end(), base::ascii::is_control, ' ');
  return line;
}

}  // namespace

Line capabilities(const CapabilityFacts& facts) {
  const LoginRules& rules = facts.rules;
  const bool before_login = facts.state == State::authorization;
  std::string text = "+OK List of capabilities follows\r\n";

  // Cyrus: listed again after a login over TLS or with a layer, though AUTH is no command any more.
  const bool sasl = !lacks_required_tls(rules) && (before_login || rules.tls_active || facts.sasl_layer);
  const std::string mechanisms{base::ascii::trim(facts.mechanisms)};
  if (sasl && !mechanisms.empty()) append_line("SASL " + on_one_line(mechanisms), text);
  if (before_login && rules.stls_offered && !rules.tls_active) append_line("STLS", text);
  append_line("EXPIRE " + (facts.expire_days ? std::to_string(*facts.expire_days) : "NEVER"), text);
  append_line("LOGIN-DELAY " + std::to_string(facts.login_delay_seconds), text);
  for (const std::string_view always : {"TOP", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE"}) {
    append_line(always, text);
  }
  if (before_login && allows_user(rules)) append_line("USER", text);
  if (!before_login || facts.server_info == ServerInfo::on) {
    append_line("IMPLEMENTATION Cyrus POP3 " + on_one_line(facts.version), text);
  }
  text += ".\r\n";
  return Line{std::move(text)};
}

Line greeting(ServerInfo info, std::string_view server_name, std::string_view version, std::string_view challenge) {
  std::string text;
  if (info != ServerInfo::off) text += on_one_line(server_name) + ' ';
  if (info == ServerInfo::on) text += "Cyrus POP3 " + on_one_line(version) + ' ';
  text += "server ready ";
  text += on_one_line(challenge);
  Line line = ok(text);
  // The shortest one says all that a client needs (RFC 2449 s4).
  const bool fits = line.text.size() <= kMaxReplyOctets || info == ServerInfo::off;
  return fits ? line : greeting(ServerInfo::off, {}, {}, challenge);
}

Line mechanism_list(std::string_view mechanisms) {
  std::string text = "+OK List of supported mechanisms follows\r\n";
  for (std::string_view rest = base::ascii::trim(mechanisms); !rest.empty(); rest = base::ascii::trim(rest)) {
    const auto* const end = std::find_if(rest.begin(), rest.end(), base::ascii::is_space);
    append_line({rest.begin(), end}, text);
    rest = {end, rest.end()};
  }
  text += ".\r\n";
  return Line{std::move(text)};
}

}  // namespace pop3

#include "base/check.hpp"
#include "pop3/authorization.hpp"
#include "pop3/parse_command.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace {

pop3::LoginRules rules_of(std::uint8_t low, std::uint8_t high) {
  pop3::LoginRules rules;
  rules.tls_active = (low & 1) != 0;
  rules.stls_offered = (low & 2) != 0;
  rules.tls_required = (low & 4) != 0;
  rules.allow_plaintext = (low & 8) != 0;
  rules.external_ssf = (low >> 4) & 3;
  rules.apop_offered = (low & 64) != 0;
  rules.hierarchy_dot = (low & 128) != 0;
  rules.virtual_domains = (high & 1) != 0;
  rules.subfolders = (high & 2) != 0;
  return rules;
}

}  // namespace

// Two octets of rules, then lines that end in LF, as one client would send them. The oracle is a model of one variable:
// the user that waits. No password is checked where the rules forbid it, nor for another user than the model's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const pop3::LoginRules rules = rules_of(data[0], data[1]);
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);

  pop3::Authorization authorization;
  std::optional<std::string> waiting;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;  // no whole line, no command
    auto command = pop3::parse_command(rest.substr(0, end), pop3::State::authorization);
    rest.remove_prefix(end + 1);
    if (!command) continue;
    const bool is_user = std::holds_alternative<pop3::User>(*command);
    const bool is_pass = std::holds_alternative<pop3::Pass>(*command);
    const pop3::AuthorizationStep step = authorization.step(std::move(*command), rules);

    if (const auto* line = std::get_if<pop3::Line>(&step)) {
      const bool ok = line->text.starts_with("+OK");
      CHECK(ok || line->text.starts_with("-ERR "));
      CHECK(!ok || (is_user && !waiting && pop3::allows_user(rules)));
      if (ok) waiting = authorization.pending_user();
      CHECK(!ok || waiting);
    } else if (const auto* refused = std::get_if<pop3::RefuseName>(&step)) {
      CHECK(is_user && !waiting && pop3::allows_user(rules));
      CHECK(refused->reply.text.starts_with("-ERR "));
    } else if (const auto* check = std::get_if<pop3::CheckPassword>(&step)) {
      CHECK(is_pass && waiting && check->user == *waiting && pop3::allows_user(rules));
      waiting.reset();
    } else if (std::holds_alternative<pop3::CheckApop>(step)) {
      CHECK(rules.apop_offered && !waiting && !pop3::lacks_required_tls(rules));
    } else if (std::holds_alternative<pop3::StartTls>(step)) {
      CHECK(rules.stls_offered && !rules.tls_active);
      waiting.reset();
    } else {
      CHECK(!pop3::lacks_required_tls(rules));
    }
    CHECK(authorization.pending_user() == waiting);
    if (!waiting) continue;
    for (const char c : *waiting) CHECK(c >= 0x20 && c < 0x7f);
  }
  return 0;
}

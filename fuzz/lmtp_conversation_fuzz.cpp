#include "base/check.hpp"
#include "lmtp/conversation.hpp"
#include "lmtp/parse_command.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

// The first octet chooses the rules, the rest are lines. Every recipient is accepted and every AUTH succeeds. Checked:
// a message is only asked for when somebody trusted has named a recipient for it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  lmtp::Rules rules;
  rules.server_name = "mail.example";
  rules.session_id = "s";
  rules.trusted = (data[0] & 1) != 0;
  rules.tls_required = (data[0] & 2) != 0;
  rules.starttls_offered = (data[0] & 4) != 0 && !rules.trusted;
  rules.strict_paths = (data[0] & 8) != 0;
  rules.max_octets = (data[0] & 16) != 0 ? 1000 : 0;
  lmtp::Conversation conversation;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    auto command = lmtp::parse_command(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!command) continue;
    const auto step = conversation.step(std::move(*command), rules);
    if (std::holds_alternative<lmtp::CheckRecipient>(step)) conversation.accept_recipient();
    if (std::holds_alternative<lmtp::StartSasl>(step)) rules.authenticated = true;
    if (std::holds_alternative<lmtp::BeginTls>(step)) {
      rules.tls_active = true;
      rules.authenticated = false;
      conversation.reset();
    }
    if (std::holds_alternative<lmtp::ReceiveMessage>(step)) {
      CHECK(rules.trusted || rules.authenticated);
      CHECK(rules.trusted || !rules.tls_required || rules.tls_active);
      CHECK(conversation.envelope() && conversation.envelope()->recipients > 0);
      conversation.end_transaction();
    }
    if (std::holds_alternative<lmtp::Finish>(step)) return 0;
  }
  return 0;
}

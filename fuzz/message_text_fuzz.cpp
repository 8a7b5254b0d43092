// Any octets as a message that comes in. The first two choose the rules and where it is cut.

#include "base/check.hpp"
#include "cyrus/message_text.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

cyrus::TextRules rules_of(std::uint8_t choice) {
  cyrus::TextRules rules;
  rules.remove_return_path = (choice & 1) != 0;
  rules.reject_8bit = (choice & 2) != 0;
  rules.munge_8bit = (choice & 4) != 0;
  rules.max_octets = (choice & 8) != 0 ? 64 : 0;
  if ((choice & 16) != 0) rules.message_id = "<n@h>";
  if ((choice & 32) != 0) rules.date = "Fri, 27 Nov 2026 13:00:00 +0000";
  return rules;
}

cyrus::MessageText run(std::string_view text, std::size_t step, const cyrus::TextRules& rules, std::string& to) {
  cyrus::MessageText message(rules);
  for (; !text.empty(); text.remove_prefix(std::min(step, text.size()))) message.add(text.substr(0, step), to);
  message.finish(to);
  return message;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const cyrus::TextRules rules = rules_of(data[0]);
  const std::size_t step = std::size_t{data[1]} + 1;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::string whole;
  std::string split;
  const auto message = run(text, std::max<std::size_t>(text.size(), 1), rules, whole);
  const auto pieces = run(text, step, rules, split);
  CHECK(message.fault() == pieces.fault());
  if (message.fault()) return 0;
  CHECK(whole == split);
  CHECK(message.header_octets() == pieces.header_octets());
  CHECK(message.header_octets() <= whole.size());
  CHECK(message.message_id() == pieces.message_id() && message.date() == pieces.date());
  CHECK(whole.find('\0') == std::string::npos);
  CHECK(whole.empty() || whole.ends_with("\r\n"));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    if (whole[at] == '\r') CHECK(at + 1 < whole.size() && whole[at + 1] == '\n');
    if (whole[at] == '\n') CHECK(at > 0 && whole[at - 1] == '\r');
  }
  return 0;
}

#include "base/check.hpp"
#include "pop3/parse_command.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

// The first octet chooses the state, the rest is the line. Checked beyond "no crash": a command belongs to its state, a
// refusal is exactly one line, and a line with a NUL is never a command.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto state = (data[0] & 1) != 0 ? pop3::State::transaction : pop3::State::authorization;
  const std::string_view line(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto command = pop3::parse_command(line, state);
  if (!command) {
    const std::string& text = command.error().reply.text;
    CHECK(text.starts_with("-ERR ") && text.find_first_of("\r\n") == text.size() - 2 && text.ends_with("\r\n"));
    return 0;
  }
  CHECK(line.find('\0') == std::string_view::npos && line.size() <= pop3::kMaxCommandOctets);
  const bool both = std::holds_alternative<pop3::Quit>(*command) || std::holds_alternative<pop3::Capa>(*command);
  const bool mail = command->index() >= pop3::Command(pop3::Stat{}).index();
  CHECK(both || mail == (state == pop3::State::transaction));
  if (const auto* pass = std::get_if<pop3::Pass>(&*command)) {
    CHECK(line.ends_with(pass->password.view()) && pass->password.view().size() + 5 == line.size());
  }
  return 0;
}

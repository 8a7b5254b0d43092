#include "base/check.hpp"
#include "lmtp/parse_command.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

// Checked beyond "no crash": a refusal is one reply line, a line with a NUL or CR is never a command, and an address
// that was read says the same when it is written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto command = lmtp::parse_command(line);
  if (!command) {
    const std::string& text = command.error().text;
    CHECK(text.starts_with('5') && text.find_first_of("\r\n") == text.size() - 2 && text.ends_with("\r\n"));
    return 0;
  }
  CHECK(line.find_first_of(std::string_view("\0\r\n", 3)) == std::string_view::npos);
  const lmtp::Path* path = nullptr;
  if (const auto* mail = std::get_if<lmtp::Mail>(&*command)) path = &mail->sender;
  if (const auto* rcpt = std::get_if<lmtp::Rcpt>(&*command)) path = &rcpt->recipient;
  if (path == nullptr || path->is_null()) return 0;
  const std::string text = "<" + lmtp::to_text(*path) + ">";
  if (text.size() > lmtp::kMaxPathOctets) return 0;  // quoting may have made it longer
  const auto again = lmtp::parse_path(text);
  CHECK(again && again->length == text.size());
  CHECK(again->path.local == path->local && again->path.domain == path->domain && again->path.octets == path->octets);
  return 0;
}

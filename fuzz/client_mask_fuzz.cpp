#include "base/check.hpp"
#include "pop3d/telemetry_text.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// The first octet says where the rest is split: what is shown must not depend on that, and a line behind any other
// shows nothing of a password.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text = std::string(reinterpret_cast<const char*>(data) + 1, size - 1) + "\nPASS secretsecret\r\n";
  const std::size_t at = data[0] % (text.size() + 1);

  pop3d::ClientMask whole;
  const std::string shown = whole.show(text);
  pop3d::ClientMask split;
  std::string parts = split.show(std::string_view(text).substr(0, at));
  parts += split.show(std::string_view(text).substr(at));
  CHECK(parts == shown);
  CHECK(shown.ends_with("***\r\n"));
  CHECK(shown.size() <= text.size() + 2 * text.size());
  return 0;
}

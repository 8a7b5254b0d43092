#include "base/check.hpp"
#include "pop3/session_under_test.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

// Lines that end in LF, as one client would send them, through all states of a session. The oracle is a second writing
// of what a session answers (tests/support/session_model.hpp): every reply is equal to the octet, and at the end the
// same messages are deleted and marked as seen.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  pop3::SessionUnderTest session;
  support::SessionModel model = pop3::SessionUnderTest::model();
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string expected = model.reply(line);
    CHECK(session.reply(line) == expected);
    if (expected == "<quit>") break;
  }
  CHECK(session.differences(model).empty());
  return 0;
}

#include "auth/user_deny.hpp"
#include "base/check.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

// The value of an entry, and the name of a service behind the first LF.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMost = 4096;
  const std::string_view input{reinterpret_cast<const char*>(data), size < kMost ? size : kMost};
  const auto end = input.find('\n');
  const auto value = input.substr(0, end);
  const auto service = end == std::string_view::npos ? std::string_view{"pop3"} : input.substr(end + 1);
  const auto text = auth::denial(value, service);
  if (!text) CHECK(!text.error().text.empty());
  if (text && *text) CHECK(!(*text)->empty());
  CHECK(auth::wildmat(service, "*"));
  return 0;
}

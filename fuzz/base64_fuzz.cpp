#include "auth/base64.hpp"
#include "base/check.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};

  // Strictness makes decoding one to one: what decodes is the only text for its octets.
  const auto decoded = auth::base64_decode(text);
  if (decoded) CHECK(auth::base64_encode(decoded->view()) == text);

  const auto encoded = auth::base64_encode(text);
  const auto back = auth::base64_decode(encoded);
  CHECK(back && back->view() == text);
  return 0;
}

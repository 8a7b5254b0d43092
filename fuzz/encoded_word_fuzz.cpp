#include "base/check.hpp"
#include "mime/encoded_word.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Any octets as a header value. What comes out is the same when it is decoded as UTF-8 once more.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = mime::decode_encoded_words({reinterpret_cast<const char*>(data), size});
  CHECK(text.find('\0') == std::string::npos);
  CHECK(mime::decode_encoded_words(mime::encode_word(text)) == text);
  return 0;
}

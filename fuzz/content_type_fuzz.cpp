#include "base/check.hpp"
#include "mime/parameter_list.hpp"
#include "mime/structured_field.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

// Any octets as each of the structured fields of MIME.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  if (const auto content = mime::parse_content_type(value)) {
    CHECK(content->parameters.size() <= mime::kMaxParameters);
    for (const mime::Parameter& parameter : content->parameters) mime::decode_extended_value(parameter.value);
  }
  if (const auto disposition = mime::parse_disposition(value))
    CHECK(disposition->parameters.size() <= mime::kMaxParameters);
  if (const auto encoding = mime::parse_encoding(value)) CHECK(encoding->size() <= size);
  CHECK(mime::parse_language(value).size() <= mime::kMaxParameters);
  return 0;
}

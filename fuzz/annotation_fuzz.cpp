// Any bytes as a record of cyrus.annotations: the first byte says where the key ends.

#include "base/check.hpp"
#include "cyrus/message_annotations.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t key_size = std::min<std::size_t>(data[0], bytes.size());
  const auto annotation = cyrus::parse_message_annotation(bytes.substr(0, key_size), bytes.substr(key_size));
  if (annotation && *annotation) {
    CHECK((**annotation).value.size() <= bytes.size() - key_size);
    CHECK((**annotation).entry.size() + (**annotation).userid.size() + 2 == key_size);
  }
  return 0;
}

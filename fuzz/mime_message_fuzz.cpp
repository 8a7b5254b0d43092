#include "base/check.hpp"
#include "mime/cache_items.hpp"
#include "mime/message.hpp"
#include "mime/message_facts.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

// Any octets as a message, the first of them as options. Every part lies within the message and a child within its
// parent, and the cache record is made of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  mime::ParseOptions options;
  options.strict_boundaries = (data[0] & 1) != 0;
  if ((data[0] & 2) != 0) options.max_header_lines = 2;
  if ((data[0] & 4) != 0) options.boundary_limit = 2;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto message = mime::parse_message(text, options);
  CHECK(message.has_value());
  for (const mime::Part& part : message->parts) {
    CHECK(std::size_t{part.header_offset} + part.header_size <= text.size());
    CHECK(std::size_t{part.content_offset} + part.content_size <= text.size());
    CHECK(part.is_message() ? part.children.size() == 1 : part.is_multipart() || part.children.empty());
    for (const std::uint32_t child : part.children) {
      CHECK(&message->parts[child] > &part);
      CHECK(!part.is_message() || message->parts[child].envelope != nullptr);
    }
  }
  const mime::CacheRecord record = mime::cache_record(mime::cache_items(*message));
  CHECK(record.bytes.size() % 4 == 0);
  CHECK(mime::message_facts(*message).header_size <= text.size());
  return 0;
}

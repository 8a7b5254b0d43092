// The first two octets choose the limit and the size of the pieces; the rest is what a peer sends. Whatever the pieces
// are, the lines must be those of the whole text, and memory must stay bounded.
#include "base/check.hpp"
#include "net/line_buffer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace {

// Takes the next line of `text` by the plain rule; false when there is none.
bool plain_next(std::string_view& text, std::size_t limit, bool& too_long, std::string_view& line) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return false;
  line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  too_long = line.size() > limit;
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Status = net::LineBuffer::Status;
  if (size < 2 || size > net::LineBuffer::kMaxDiscardOctets) return 0;
  const std::size_t limit = std::size_t{data[0]} * 5;
  const std::size_t piece = std::size_t{data[1]} * 3 + 1;
  std::string_view incoming(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::string_view whole = incoming;
  net::LineBuffer buffer;
  for (;;) {
    const auto next = buffer.next(limit);
    CHECK(next.status != Status::exhausted);
    if (next.status == Status::incomplete) {
      if (incoming.empty()) break;
      const auto space = buffer.space(limit);
      CHECK(!space.empty());
      CHECK(buffer.capacity() <= net::LineBuffer::kReadAheadOctets);
      const std::size_t octets = std::min({space.size(), piece, incoming.size()});
      std::memcpy(space.data(), incoming.data(), octets);
      buffer.received(octets);
      incoming.remove_prefix(octets);
      continue;
    }
    bool too_long = false;
    std::string_view line;
    CHECK(plain_next(whole, limit, too_long, line));
    CHECK(too_long == (next.status == Status::too_long));
    if (!too_long) CHECK(next.line == line);
  }
  CHECK(whole.find('\n') == std::string_view::npos);
  return 0;
}

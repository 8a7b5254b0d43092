#include "base/check.hpp"
#include "pop3/body_encoder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace {

struct Encoded {
  std::string text;
  std::uint64_t octets = 0;
};

Encoded encode(std::string_view message, std::size_t piece, std::optional<std::uint32_t> lines) {
  Encoded out;
  pop3::BodyEncoder encoder(lines);
  for (std::size_t at = 0; at < message.size(); at += piece) {
    if (!encoder.encode(message.substr(at, piece), out.text)) break;
  }
  encoder.finish(out.text);
  out.octets = encoder.octets();
  return out;
}

/// Walks the reply as a client does: every line ends in CRLF with no LF elsewhere, only the last is a lone dot, and the
/// octets without the stuffing are those that the encoder counted.
void check_as_client(const Encoded& reply) {
  CHECK(reply.text.find('\0') == std::string::npos);
  std::string_view rest = reply.text;
  std::uint64_t octets = 0;
  for (;;) {
    const std::size_t end = rest.find('\n');
    CHECK(end != std::string_view::npos && end >= 1 && rest[end - 1] == '\r');
    const std::string_view line = rest.substr(0, end + 1);
    rest.remove_prefix(end + 1);
    if (line == ".\r\n") break;
    CHECK(line.front() != '.' || line[1] == '.');
    octets += line.size() - (line.front() == '.' ? 1 : 0);
  }
  CHECK(rest.empty());
  CHECK(octets == reply.octets);
}

}  // namespace

// First octet: size of the pieces. Second: RETR when 255, else the lines of TOP.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = std::size_t{data[0]} + 1;
  std::optional<std::uint32_t> lines;
  if (data[1] != 255) lines = data[1];
  const std::string_view message(reinterpret_cast<const char*>(data) + 2, size - 2);

  const Encoded whole = encode(message, std::max<std::size_t>(message.size(), 1), lines);
  const Encoded pieces = encode(message, piece, lines);
  CHECK(whole.text == pieces.text && whole.octets == pieces.octets);
  check_as_client(whole);
  CHECK(whole.text.size() <= 2 * message.size() + 5);

  const Encoded all = encode(message, piece, std::nullopt);
  CHECK(all.text.starts_with(std::string_view(whole.text).substr(0, whole.text.size() - 3)));
  return 0;
}

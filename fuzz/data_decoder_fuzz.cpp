#include "base/check.hpp"
#include "lmtp/data_decoder.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// The first octet says how the rest is cut. Checked: the pieces don't matter, and a message ends behind the first
// CR LF '.' CR LF and nowhere else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string whole;
  const auto at_once = lmtp::DataDecoder().decode(wire, whole);

  const std::size_t step = data[0] % 16 + 1;
  lmtp::DataDecoder decoder;
  std::string pieces;
  std::size_t at = 0;
  bool finished = false;
  while (at < wire.size() && !finished) {
    const auto done = decoder.decode(wire.substr(at, step), pieces);
    at += done.consumed;
    finished = done.finished;
  }
  CHECK(at == at_once.consumed && finished == at_once.finished && pieces == whole);

  const std::string framed = "\r\n" + std::string(wire);
  const std::size_t end = framed.find("\r\n.\r\n");
  CHECK(finished == (end != std::string::npos));
  if (finished) CHECK(at == end + 3);
  return 0;
}

#include "base/check.hpp"
#include "tools/pillarbox/mbox.hpp"

#include <cstdint>
#include <vector>

namespace {

/// All messages, or where it ended; read in pieces of `piece` octets.
std::vector<std::string> split(std::string_view text, tools::MboxQuoting quoting, std::size_t piece) {
  std::vector<std::string> found;
  tools::MboxSplitter splitter("fuzz", quoting, 4096, [&](tools::SourceMessage&& message) -> base::Result<void> {
    CHECK(message.text.size() <= 4096);
    found.push_back(std::move(message.text));
    return {};
  });
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (!splitter.feed(text.substr(at, piece))) return found;
  }
  static_cast<void>(splitter.finish());
  return found;
}

}  // namespace

/// The first octet says how it is quoted and cut, the rest is the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto quoting = static_cast<tools::MboxQuoting>(data[0] % 3);
  const auto whole = split(text, quoting, text.size() + 1);
  const auto cut = split(text, quoting, data[0] / 3 + 1);
  // Where the bound is met depends on the pieces; without it, nothing does.
  if (size <= 4096) CHECK(whole == cut);
  return 0;
}

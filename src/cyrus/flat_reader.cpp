#include "cyrus/flat_reader.hpp"

#include <utility>

namespace cyrus {
namespace {

// FF FF is FF; FF and a byte with the high bit is that byte without it. Releases before the escapes wrote tabs as they
// are, so a tab in a value means itself.
std::string restored(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (static_cast<unsigned char>(text[i]) != 0xff || next < 0x80) {
      plain.push_back(text[i]);
      continue;
    }
    plain.push_back(next == 0xff ? '\xff' : static_cast<char>(next & 0x7fU));
    ++i;
  }
  return plain;
}

}  // namespace

base::Result<void> walk_flat(std::string_view text, const std::string& what,
                             const std::function<bool(TwoskipItem&&)>& visit) {
  std::size_t line = 0;
  while (!text.empty()) {
    ++line;
    const auto end = text.find('\n');
    const auto tab = text.substr(0, end).find('\t');
    // A line without its end is one that a crash cut short: its value cannot be believed.
    if (end == std::string_view::npos || tab == std::string_view::npos || tab == 0) {
      return base::fail(base::Errc::corrupt, what + ": line " + std::to_string(line) + " is not key, tab, value");
    }
    if (!visit({restored(text.substr(0, tab)), restored(text.substr(tab + 1, end - tab - 1))})) return {};
    text.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace cyrus

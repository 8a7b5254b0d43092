#include "maildrop/wire_octets.hpp"

#include <cstring>

namespace maildrop {

void WireOctets::add(std::string_view piece) {
  if (piece.empty()) return;
  octets_ += piece.size();
  const char* at = piece.data();
  const char* const end = at + piece.size();
  while (at != end) {
    const auto* const lf = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (lf == nullptr) break;
    const char before = lf != piece.data() ? lf[-1] : empty_ ? '\0' : last_;
    if (before != '\r') ++octets_;
    at = lf + 1;
  }
  last_ = piece.back();
  empty_ = false;
}

}  // namespace maildrop

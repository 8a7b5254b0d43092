#include "lmtp/data_decoder.hpp"

#include <algorithm>

namespace lmtp {

DataDecoder::Progress DataDecoder::decode(std::string_view piece, std::string& out) {
  for (std::size_t i = 0; i < piece.size();) {
    const char c = piece[i];
    switch (at_) {
      case At::line_start:
        at_ = At::text;
        if (c == '.') {
          at_ = At::dot;
          ++i;
        }
        break;
      case At::dot:  // has been taken off; it was the last line if CR LF follows
        at_ = At::text;
        if (c == '\r') {
          at_ = At::dot_cr;
          ++i;
        }
        break;
      case At::dot_cr:
        if (c == '\n') return {i + 1, true};
        out += '\r';
        at_ = At::cr;
        break;
      case At::cr:
        at_ = At::text;
        if (c == '\n') {
          out += c;
          at_ = At::line_start;
          ++i;
        }
        break;
      case At::text: {
        const std::size_t end = std::min(piece.find('\r', i), piece.size());
        out += piece.substr(i, end - i);
        i = end;
        if (i < piece.size()) {
          out += '\r';
          at_ = At::cr;
          ++i;
        }
        break;
      }
    }
  }
  return {piece.size(), false};
}

}  // namespace lmtp

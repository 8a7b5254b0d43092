#include "mime/field_scanner.hpp"

#include "base/ascii.hpp"

namespace mime {

bool FieldScanner::skip_space() {
  int level = 0;
  for (; !at_end(); ++at_) {
    const char c = value_[at_];
    if (level == 0) {
      if (c == '(') {
        level = 1;
      } else if (!base::ascii::is_space(c)) {
        return true;
      }
      continue;
    }
    if (c == '\\') {
      skip(1);
      if (at_end()) return false;
    } else if (c == '(') {
      ++level;
    } else if (c == ')') {
      --level;
    }
  }
  return false;
}

bool FieldScanner::skip_token(char delimiter) {
  for (; !at_end(); ++at_) {
    const char c = value_[at_];
    if (base::ascii::is_space(c) || c == delimiter || c == '(') return true;
    if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) >= 0x80 || is_mime_special(c))
      return false;
  }
  return true;
}

void FieldScanner::skip_past_semicolon() {
  while (!at_end() && peek() != ';' && peek() != '\r' && peek() != '\n') ++at_;
  if (peek() == ';') ++at_;
}

bool is_mime_special(char c) { return std::string_view("()<>@,;:\\\"/[]?=").find(c) != std::string_view::npos; }

}  // namespace mime

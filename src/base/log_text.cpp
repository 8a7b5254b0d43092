#include "base/log_text.hpp"

#include <algorithm>

namespace base {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kNull = "~null~";

/// What needs no quotes and no escape: printable, not blank, without a meaning of its own.
bool is_plain(char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '=' && c != '\\'; }

void append_hex(std::string& to, char c) {
  const auto octet = static_cast<unsigned char>(c);
  to += kHex[octet >> 4];
  to += kHex[octet & 15];
}

void append_quoted(std::string& to, char c) {
  switch (c) {
    case '\t':
      to += "\\t";
      return;
    case '\n':
      to += "\\n";
      return;
    case '\r':
      to += "\\r";
      return;
    case '"':
    case '\\':
      to += '\\';
      to += c;
      return;
    default:
      break;
  }
  if (c >= 0x20 && c < 0x7f) {
    to += c;
    return;
  }
  to += "\\x{";
  append_hex(to, c);
  to += '}';
}

}  // namespace

std::string bracketed(std::string_view key, std::string_view value) {
  std::string out;
  out.reserve(key.size() + value.size() + 4);
  out += ' ';
  out += key;
  out += "=<";
  for (const char c : value) {
    if (c >= 0x20 && c < 0x7f && c != '<' && c != '>' && c != '\\') {
      out += c;
    } else {
      out += "\\x";
      append_hex(out, c);
    }
  }
  out += '>';
  return out;
}

std::string logfmt_value(std::optional<std::string_view> value) {
  if (!value) return std::string(kNull);
  if (!value->empty() && *value != kNull && std::all_of(value->begin(), value->end(), is_plain)) {
    return std::string(*value);
  }
  std::string out = "\"";
  out.reserve(value->size() + 2);
  for (const char c : *value) append_quoted(out, c);
  out += '"';
  return out;
}

Logfmt& Logfmt::add(std::string_view key, std::optional<std::string_view> value) {
  line_ += ' ';
  line_ += key;
  line_ += '=';
  line_ += logfmt_value(value);
  return *this;
}

}  // namespace base

#include "cyrus/uidl.hpp"

#include <array>
#include <charconv>
#include <string_view>

namespace cyrus {
namespace {

// UIDL of a large maildrop calls these once a message: to_chars needs neither a locale nor an allocation.

void append_decimal(std::uint32_t number, std::string& to) {
  std::array<char, 10> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  to.append(digits.data(), end);
}

void append_hex8(std::uint32_t number, std::string& to) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int shift = 28; shift >= 0; shift -= 4) to += kDigits[(number >> shift) & 0xf];
}

}  // namespace

void append_unique_id(const UidlRule& rule, maildrop::Uid uid, std::string& to) {
  const std::uint32_t number = maildrop::value(uid);
  if (!rule.new_uidl) return append_decimal(number, to);
  switch (rule.format) {
    case UidlFormat::uidonly:
      return append_decimal(number, to);
    case UidlFormat::cyrus:
      append_decimal(rule.uidvalidity, to);
      to += '.';
      return append_decimal(number, to);
    case UidlFormat::dovecot:
      append_hex8(number, to);
      return append_hex8(rule.uidvalidity, to);
    case UidlFormat::courier:
      append_decimal(rule.uidvalidity, to);
      to += '-';
      return append_decimal(number, to);
  }
}

}  // namespace cyrus

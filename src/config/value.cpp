#include "config/value.hpp"

#include "base/ascii.hpp"
#include "base/log.hpp"

#include <charconv>
#include <limits>
#include <system_error>

namespace config {
namespace {

/// Reads digits of `base` from the front of `text` and removes them; numbers too large stop at `ceiling`.
/// nullopt when there is no digit.
std::optional<std::uint64_t> take_number(std::string_view& text, int base, std::uint64_t ceiling) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error == std::errc::invalid_argument) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc{} && number < ceiling ? number : ceiling;
}

bool take(std::string_view& text, char lower_case) {
  if (text.empty() || base::ascii::to_lower(text.front()) != lower_case) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::int64_t> seconds_in(char unit) {
  switch (unit) {
    case 'd':
      return 86400;
    case 'h':
      return 3600;
    case 'm':
      return 60;
    case 's':
      return 1;
    default:
      return std::nullopt;
  }
}

int shift_of(char unit) {
  switch (unit) {
    case 'K':
      return 10;
    case 'M':
      return 20;
    case 'G':
      return 30;
    default:
      return 0;
  }
}

}  // namespace

std::optional<bool> parse_toggle(std::string_view text) {
  for (const std::string_view off : {"0", "n", "of", "f"}) {
    if (text.starts_with(off)) return false;
  }
  for (const std::string_view on : {"1", "y", "on", "t"}) {
    if (text.starts_with(on)) return true;
  }
  return std::nullopt;
}

std::optional<Integer> parse_integer(std::string_view text) {
  text = base::ascii::trim(text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.starts_with('0')) {
    base = 8;
  }
  // strtol stops at the ends of long; the cut to 32 bits comes after.
  const std::uint64_t ceiling = std::uint64_t{1} << 63;
  const auto magnitude = take_number(text, base, negative ? ceiling : ceiling - 1);
  if (!magnitude || !text.empty()) return std::nullopt;
  const auto wide = static_cast<std::int64_t>(negative ? std::uint64_t{0} - *magnitude : *magnitude);
  const auto value = static_cast<std::int32_t>(static_cast<std::uint32_t>(wide));
  return Integer{value, value != wide};
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text, char unit) {
  constexpr std::int64_t kLimit = std::numeric_limits<std::int32_t>::max();
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    const auto number = take_number(text, 10, kLimit + 1);
    if (!number) return std::nullopt;
    const auto factor = seconds_in(text.empty() ? unit : text.front());
    if (!factor) return std::nullopt;
    if (!text.empty()) text.remove_prefix(1);
    // At most 2^31 days and what was below the limit before: far from the end of 64 bits.
    total += static_cast<std::int64_t>(*number) * *factor;
    if (total > kLimit) return std::nullopt;
  }
  return std::chrono::seconds(negative ? -total : total);
}

std::optional<std::int64_t> parse_byte_size(std::string_view text, char unit, bool negative) {
  const bool minus = negative && text.starts_with('-');
  if (minus) text.remove_prefix(1);
  const std::uint64_t ceiling = std::uint64_t{1} << 62;
  const auto number = take_number(text, 10, ceiling);
  if (!number || *number == ceiling) return std::nullopt;
  text = base::ascii::trim(text);
  int shift = text.empty() ? shift_of(unit) : 0;
  for (const char factor : {'K', 'M', 'G'}) {
    if (!take(text, base::ascii::to_lower(factor))) continue;
    shift = shift_of(factor);
    take(text, 'i');
    break;
  }
  take(text, 'b');
  if (!text.empty()) return std::nullopt;
  if (*number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) >> shift) return std::nullopt;
  const auto bytes = static_cast<std::int64_t>(*number << shift);
  return minus ? -bytes : bytes;
}

std::string_view enumeration_word(std::string_view text) {
  for (const std::string_view on : {"1", "yes", "t", "true"}) {
    if (text == on) return "on";
  }
  for (const std::string_view off : {"0", "no", "f", "false"}) {
    if (text == off) return "off";
  }
  return text;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = at;
    while (end < text.size() && !base::ascii::is_space(text[end])) ++end;
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kShown = 80;
  std::string out = "'" + base::printable(text.substr(0, kShown));
  out += text.size() > kShown ? "...'" : "'";
  return out;
}

}  // namespace config

#include "mime/date.hpp"

#include "base/ascii.hpp"

#include <array>
#include <cstddef>
#include <string>

namespace mime {

namespace {

using base::ascii::is_alpha;
using base::ascii::is_digit;
using base::ascii::to_upper;

constexpr std::size_t kMaxToken = 32;
constexpr int kMaxYear = 999'999;

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};

class DateScanner {
 public:
  explicit DateScanner(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void skip() { ++at_; }

  void skip_space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\n') skip();
  }

  /// Letters and digits, maybe none. Nothing at the end of the text.
  std::optional<std::string_view> token() {
    if (at_end()) return std::nullopt;
    const std::size_t start = at_;
    while (is_digit(peek()) || is_alpha(peek())) {
      if (at_ - start == kMaxToken) break;
      skip();
    }
    return text_.substr(start, at_ - start);
  }

  /// Any one character, and white space after it.
  void skip_separator() {
    skip();
    skip_space();
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

/// Digits only. Nothing if there is anything else, or more than `kMaxYear` says.
std::optional<int> number(std::string_view digits) {
  int value = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return std::nullopt;
    value = 10 * value + (c - '0');
    if (value > kMaxYear) return std::nullopt;
  }
  return value;
}

/// One or two digits.
std::optional<int> short_number(DateScanner& in) {
  const auto digits = in.token();
  if (!digits || digits->empty() || digits->size() > 2) return std::nullopt;
  return number(*digits);
}

std::optional<CalendarDay> scan_day(DateScanner& in) {
  in.skip_space();
  if (is_alpha(in.peek())) {
    const auto weekday = in.token();
    if (weekday->size() != 3 || in.peek() != ',') return std::nullopt;
    in.skip();
    in.skip_space();
  }
  CalendarDay day;
  const auto day_of_month = short_number(in);
  if (!day_of_month) return std::nullopt;
  day.day = *day_of_month;
  in.skip_separator();
  const auto month = in.token();
  if (!month || month->size() != 3) return std::nullopt;
  day.month = 0;
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (base::ascii::equal_ignoring_case(*month, kMonths[i])) day.month = static_cast<int>(i) + 1;
  }
  if (day.month == 0) return std::nullopt;
  in.skip_separator();
  const auto digits = in.token();
  if (!digits) return std::nullopt;
  const auto year = number(*digits);
  if (!year) return std::nullopt;
  day.year = *year;
  if (digits->size() == 2) {
    day.year += *year < 70 ? 2000 : 1900;
  } else if (day.year < 1900) {
    return std::nullopt;
  }
  return day;
}

/// Seconds east of UTC. `sign` is the character before the zone, or the first of it.
std::int64_t zone_offset(std::string_view zone, char sign) {
  constexpr std::int64_t kHour = 3600;
  const auto letter = [&zone](std::size_t i) { return to_upper(zone[i]); };
  if (zone.size() == 1) {  // military zones (RFC 822 s5.1), east is A to M there
    const int as_written = static_cast<unsigned char>(zone[0]);
    if (!is_alpha(zone[0])) return letter(0) < 'J' ? (as_written - 'A' + 1) * kHour : 0;
    if (letter(0) < 'J') return (as_written - 'A' + 1) * kHour;
    if (letter(0) == 'J' || letter(0) == 'Z') return 0;
    return letter(0) <= 'M' ? (as_written - 'A') * kHour : ('M' - as_written) * kHour;
  }
  if (zone.size() == 3 && letter(2) == 'T') {
    // Atlantic, Eastern, Central, Mountain, Pacific, Yukon, Hawaii, Bering: four to eleven hours west.
    const std::size_t place = std::string_view("AECMPYHB").find(letter(0));
    if (place == std::string_view::npos || (letter(1) != 'S' && letter(1) != 'D')) return 0;
    const auto west = static_cast<std::int64_t>(place) + 4 - (letter(1) == 'D' ? 1 : 0);
    return -west * kHour;
  }
  if (zone.size() == 4) {
    const auto digits = number(zone);
    if (!digits) return 0;
    const std::int64_t offset = (*digits / 100) * kHour + (*digits % 100) * std::int64_t{60};
    return sign == '+' ? offset : -offset;
  }
  return 0;
}

/// Days from 1970 to the first of the month (Gregorian calendar).
std::int64_t days_to_month(int year, int month) {
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t shifted = (month + 9) % 12;  // months since March
  const std::int64_t day_of_year = (153 * shifted + 2) / 5;
  return y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719'468;
}

}  // namespace

std::optional<CalendarDay> parse_day(std::string_view date_time) {
  DateScanner in(date_time);
  return scan_day(in);
}

std::optional<std::int64_t> parse_date_time(std::string_view date_time) {
  DateScanner in(date_time);
  const auto day = scan_day(in);
  if (!day) return std::nullopt;
  in.skip_space();
  const auto hour = short_number(in);
  const auto skip_colon = [&in] {
    if (in.peek() != ':' && in.peek() != '.') return false;
    in.skip();
    return true;
  };
  if (!hour || !skip_colon()) return std::nullopt;
  const auto minute = short_number(in);
  if (!minute) return std::nullopt;
  std::optional<int> second = 0;
  if (skip_colon()) second = short_number(in);
  if (!second) return std::nullopt;
  in.skip_space();
  const char sign = in.peek();
  if (sign == '+' || sign == '-') in.skip();
  const std::string_view zone = in.token().value_or("");

  const std::int64_t days = days_to_month(day->year, day->month) + day->day - 1;
  const std::int64_t local = ((days * 24 + *hour) * 60 + *minute) * 60 + *second;
  if (local < 0) return std::nullopt;
  return local - zone_offset(zone, sign);
}

}  // namespace mime

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mime {

/// A day as a calendar writes it.
struct CalendarDay {
  int year = 1970;
  int month = 1;  ///< 1 to 12.
  int day = 1;    ///< As written, 0 to 99: the 32nd of a month is the first or so of the next.

  bool operator==(const CalendarDay&) const = default;
};

/// The day that a date-time names (RFC 5322 s3.3, s4.3), as written, whatever its zone. Nothing before the year 1970,
/// nor if that much cannot be read; what follows the year does not matter.
std::optional<CalendarDay> parse_day(std::string_view date_time);

/// The moment that a date-time names, in seconds since 1970 in UTC.
///
/// Cyrus: hours, minutes and seconds that no clock shows count on into the next unit; `.` may stand for `:`; a missing
/// or unknown zone is UTC; a lower-case military zone counts 32 hours more than it should.
std::optional<std::int64_t> parse_date_time(std::string_view date_time);

}  // namespace mime

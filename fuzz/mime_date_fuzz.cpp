#include "base/check.hpp"
#include "mime/date.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

// Any octets as a date-time. A moment names a day, and both are within what an index can hold many times over.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto day = mime::parse_day(text);
  const auto moment = mime::parse_date_time(text);
  if (day) CHECK(day->year >= 1900 && day->year < 1'000'000 && day->month >= 1 && day->month <= 12 && day->day <= 99);
  if (moment) CHECK(day.has_value());
  return 0;
}

#pragma once

#include <ctime>
#include <optional>

namespace base {

/// When a day begins in the time zone of this process, `month` and `day` counted from 1; those that no calendar has
/// count on into the next month or year. Nothing before 1970, nor where the C library cannot say.
std::optional<std::time_t> local_midnight(int year, int month, int day);

}  // namespace base

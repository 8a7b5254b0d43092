#include "base/local_time.hpp"

namespace base {

std::optional<std::time_t> local_midnight(int year, int month, int day) {
  std::tm parts{};
  parts.tm_year = year - 1900;
  parts.tm_mon = month - 1;
  parts.tm_mday = day;
  parts.tm_isdst = -1;
  const std::time_t midnight = std::mktime(&parts);
  if (midnight < 0) return std::nullopt;
  return midnight;
}

}  // namespace base

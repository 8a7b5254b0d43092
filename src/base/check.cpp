#include "base/check.hpp"

#include <syslog.h>

#include <cstdio>
#include <cstdlib>

namespace base {

void check_failed(std::string_view expression, const char* file, int line) noexcept {
  const int length = static_cast<int>(expression.size());
  std::fprintf(stderr, "CHECK failed: %.*s at %s:%d\n", length, expression.data(), file, line);
  syslog(LOG_CRIT, "CHECK failed: %.*s at %s:%d", length, expression.data(), file, line);
  std::abort();
}

}  // namespace base

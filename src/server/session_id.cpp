#include "server/session_id.hpp"

#include "base/check.hpp"

#include <cstdint>
#include <sys/random.h>
#include <unistd.h>

namespace server {

std::string SessionIds::next(const std::string& base) {
  const std::time_t now = std::time(nullptr);
  if (now != second_) {
    second_ = now;
    in_this_second_ = 0;
  }
  std::uint64_t random = 0;
  // Eight bytes from an initialised pool are never short and never fail.
  CHECK(::getrandom(&random, sizeof random, 0) == static_cast<ssize_t>(sizeof random));
  return base + "-" + std::to_string(now) + "-" + std::to_string(::getpid()) + "-" + std::to_string(++in_this_second_) +
         "-" + std::to_string(random);
}

}  // namespace server

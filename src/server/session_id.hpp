#pragma once

#include <ctime>
#include <string>

namespace server {

/// Makes the ids of the sessions of this process: `<base>-<epoch>-<pid>-<n>-<random>`, n counting the sessions that
/// began in the same second, the random part 64 bits from the kernel. Loop only.
class SessionIds {
 public:
  std::string next(const std::string& base);

 private:
  std::time_t second_ = 0;
  unsigned in_this_second_ = 0;
};

}  // namespace server

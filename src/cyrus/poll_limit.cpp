#include "cyrus/poll_limit.hpp"

#include <algorithm>

namespace cyrus {
namespace {

// Of a configured interval: keeps all sums and products below within 64 bits.
constexpr std::uint64_t kLongest = 0xffffffff;

std::uint64_t seconds(std::chrono::seconds interval) {
  return interval.count() <= 0 ? 0 : std::min(static_cast<std::uint64_t>(interval.count()), kLongest);
}

}  // namespace

bool is_too_soon(std::uint64_t last_login, std::uint64_t now, std::chrono::seconds min_poll) {
  const std::uint64_t interval = seconds(min_poll);
  if (interval == 0 || last_login == 0) return false;
  return last_login > now || now - last_login < interval;
}

std::uint64_t next_last_login(std::uint64_t last_login, std::uint64_t login, std::chrono::seconds min_poll,
                              int padding) {
  const std::uint64_t interval = seconds(min_poll);
  if (interval == 0 || padding <= 1) return login;
  const std::uint64_t saved_up = interval * static_cast<std::uint64_t>(padding);
  const std::uint64_t floor = login > saved_up ? login - saved_up : 0;
  return std::max(last_login, floor) + interval;
}

}  // namespace cyrus

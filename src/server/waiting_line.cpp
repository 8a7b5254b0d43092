#include "server/waiting_line.hpp"

namespace server {

void WaitingLine::look(std::size_t waiting, net::Clock::time_point now) {
  if (waiting < since_.size()) since_.assign(waiting, now);
  since_.resize(waiting, now);
}

bool WaitingLine::nobody_comes(net::Clock::time_point now) const {
  return !since_.empty() && now - since_.front() >= patience_;
}

void WaitingLine::took_first() {
  if (!since_.empty()) since_.pop_front();
}

}  // namespace server

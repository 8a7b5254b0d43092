#pragma once

#include "net/timer.hpp"

#include <cstddef>
#include <deque>

namespace server {

/// The connections that wait at a port which this process watches but does not serve, because it is full or drains.
///
/// It tells a line that nobody serves from one that moves: as long as some other process takes connections, even
/// slowly, those that wait will be served, and refusing them would be wrong. The port tells only how long the line is,
/// so a line that got shorter is what shows that it moves.
class WaitingLine {
 public:
  explicit WaitingLine(net::Clock::duration patience) : patience_(patience) {}

  /// One look: `waiting` connections are there `now`.
  void look(std::size_t waiting, net::Clock::time_point now);

  /// True when the first has waited for the whole patience, and nobody has taken any connection meanwhile.
  bool nobody_comes(net::Clock::time_point now) const;

  /// This process has taken the first out of the line itself.
  void took_first();

  /// Forgets everything, for the next time that the port is watched.
  void clear() { since_.clear(); }

 private:
  net::Clock::duration patience_;
  std::deque<net::Clock::time_point> since_;  // for each that waits; the first comes first, as in the kernel's queue
};

}  // namespace server

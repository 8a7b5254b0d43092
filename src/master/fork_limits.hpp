#pragma once

#include <chrono>
#include <optional>

namespace master {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// maxforkrate: so many forks a second, and at most one second's worth at once.
class ForkRate {
 public:
  /// `per_second` 0 or less: no limit.
  explicit ForkRate(int per_second) : per_second_(per_second), tokens_(per_second) {}

  /// How many forks are allowed now, not more than `wanted`.
  int allowed(int wanted, TimePoint now) const;
  void forked(TimePoint now);
  /// When the next fork will be allowed; `now` when one is.
  TimePoint next(TimePoint now) const;

 private:
  double tokens_at(TimePoint now) const;

  int per_second_;
  double tokens_;
  std::optional<TimePoint> counted_;
};

/// The pause after failures: 1, 2, 4, 8, then 10 seconds. Ten quiet seconds after a pause start the count again.
///
/// Failures during a pause do not lengthen it: they are the siblings of the first, not a new attempt.
class BackOff {
 public:
  /// Returns the length of the pause that this failure began; nullopt when a pause was running already.
  std::optional<std::chrono::seconds> failed(TimePoint now);
  bool pausing(TimePoint now) const { return now < until_; }
  TimePoint until() const { return until_; }
  /// Failures in a row, up to the pause that runs or ran last.
  int failures() const { return failures_; }
  /// Forgets everything: the administrator has changed something.
  void reset() { *this = BackOff{}; }

 private:
  int failures_ = 0;
  TimePoint until_ = TimePoint::min();
};

}  // namespace master

#include "master/fork_limits.hpp"

#include <algorithm>

namespace master {
namespace {

constexpr std::chrono::seconds kLongestPause{10};
constexpr std::chrono::seconds kQuiet{10};

}  // namespace

double ForkRate::tokens_at(TimePoint now) const {
  if (!counted_) return tokens_;
  const double passed = std::chrono::duration<double>(now - *counted_).count();
  return std::min(static_cast<double>(per_second_), tokens_ + passed * per_second_);
}

int ForkRate::allowed(int wanted, TimePoint now) const {
  if (per_second_ <= 0) return wanted;
  return std::min(wanted, std::max(0, static_cast<int>(tokens_at(now))));
}

void ForkRate::forked(TimePoint now) {
  if (per_second_ <= 0) return;
  tokens_ = tokens_at(now) - 1;
  counted_ = now;
}

TimePoint ForkRate::next(TimePoint now) const {
  if (per_second_ <= 0) return now;
  const double missing = 1 - tokens_at(now);
  if (missing <= 0) return now;
  // Rounded up by a millisecond, so that waking at that moment finds a whole token.
  return now + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(missing / per_second_)) +
         std::chrono::milliseconds(1);
}

std::optional<std::chrono::seconds> BackOff::failed(TimePoint now) {
  if (pausing(now)) return std::nullopt;
  const bool in_a_row = failures_ > 0 && now - until_ <= kQuiet;
  failures_ = in_a_row ? failures_ + 1 : 1;
  const auto pause = std::min(kLongestPause, std::chrono::seconds(1 << std::min(failures_ - 1, 4)));
  until_ = now + pause;
  return pause;
}

}  // namespace master

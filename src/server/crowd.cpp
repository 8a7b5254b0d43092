#include "server/crowd.hpp"

namespace server {

Crowd::Refusal Crowd::look(const std::optional<net::IpAddress>& household, const Limits& limits) {
  if (household && limits.per_household > 0) {
    const auto found = households_.find(*household);
    if (found != households_.end() && found->second.connections >= limits.per_household) {
      return std::exchange(found->second.refused, true) ? Refusal::household_again : Refusal::household;
    }
  }
  return limits.in_all > 0 && in_all_ >= limits.in_all ? Refusal::in_all : Refusal::none;
}

Crowd::Place Crowd::enter(const std::optional<net::IpAddress>& household) {
  ++in_all_;
  if (household) ++households_[*household].connections;
  return Place(*this, household);
}

void Crowd::Place::leave() {
  if (crowd_ == nullptr) return;
  Crowd& crowd = *std::exchange(crowd_, nullptr);
  --crowd.in_all_;
  if (!household_) return;
  const auto found = crowd.households_.find(*household_);
  found->second.refused = false;
  if (--found->second.connections == 0) crowd.households_.erase(found);
}

}  // namespace server

#pragma once

#include "net/ip_address.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <utility>

namespace server {

/// Counts the connections of this process whose clients have not logged in, in all and for each household: an IPv4
/// address, an IPv6 /64. Loop only.
class Crowd {
 public:
  /// 0: no limit.
  struct Limits {
    std::size_t per_household = 0;
    std::size_t in_all = 0;
  };

  /// One connection that counts, until it leaves or is destroyed. The crowd lives longer.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept
        : crowd_(std::exchange(other.crowd_, nullptr)), household_(std::exchange(other.household_, std::nullopt)) {}
    Place& operator=(Place&&) = delete;
    ~Place() { leave(); }

    /// The client has logged in, or need not.
    void leave();

   private:
    friend class Crowd;
    Place(Crowd& crowd, std::optional<net::IpAddress> household) : crowd_(&crowd), household_(household) {}

    Crowd* crowd_ = nullptr;
    std::optional<net::IpAddress> household_;  // nullopt: counts in all only
  };

  enum class Refusal {
    none,
    household,        ///< its limit is reached, for the first time since it had room
    household_again,  ///< and that has been said
    in_all,
  };

  Crowd() = default;
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  /// Whether a connection from `household` may come in; without one (a Unix socket, an address that is not limited) it
  /// counts in all only.
  Refusal look(const std::optional<net::IpAddress>& household, const Limits& limits);
  Place enter(const std::optional<net::IpAddress>& household);

  std::size_t size() const { return in_all_; }
  /// Households that are remembered: for tests.
  std::size_t households() const { return households_.size(); }

 private:
  struct Household {
    std::size_t connections = 0;
    bool refused = false;
  };
  std::map<net::IpAddress, Household> households_;
  std::size_t in_all_ = 0;
};

}  // namespace server

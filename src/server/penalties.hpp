#pragma once

#include "base/result.hpp"
#include "net/ip_address.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>

namespace server {

/// When wrong passwords begin to cost their address time, and how much at most. With longest == 0 they never do.
struct PenaltyRules {
  double free_failures = 10;
  std::chrono::milliseconds longest{5000};
};

/// Failed logins of one address, as they count after a while: half as much after each kHalfLife.
struct FailureScore {
  static constexpr std::chrono::seconds kHalfLife{300};

  double value = 0;
  std::int64_t at = 0;  ///< seconds since 1970

  /// What it is worth at `now`; of a time that has not come yet, nothing.
  double at_time(std::int64_t now) const;
};

/// The wait before a password of an address with that score is looked at: none up to the free failures, then half a
/// second, doubled with each failure, up to the longest.
std::chrono::milliseconds penalty(double score, double free_failures, std::chrono::milliseconds longest);

/// The failed logins of addresses, in a file that all processes of all our services share (doc/format/penalties.md): of
/// IPv4 addresses, of IPv6 /64 networks, and of the /48 networks around those, which may fail four times as often.
///
/// The file has one size for ever; of what does not fit the least is forgotten. One that holds anything else is thrown
/// away, a record that is damaged counts as none. Two processes that count in the same place at the same moment may
/// lose one of the two failures. Thread-safe. Blocks on disk: worker pool only.
class Penalties {
 public:
  /// Touches nothing.
  Penalties(std::filesystem::path file, PenaltyRules rules) : file_(std::move(file)), rules_(rules) {}

  /// How long a password from `address` has to wait. Errors: io, permission (somebody else's file is in its place).
  base::Result<std::chrono::milliseconds> wait_of(const net::IpAddress& address, std::int64_t now);

  /// Counts a failed login. Errors: as above.
  base::Result<void> count_failure(const net::IpAddress& address, std::int64_t now);

  static constexpr std::size_t kBuckets = 1024;
  static constexpr std::size_t kSlots = 8;  ///< of a bucket
  static constexpr std::size_t kRecordOctets = 32;

 private:
  class File;

  const std::filesystem::path file_;
  const PenaltyRules rules_;
  std::mutex mutex_;  // counting is reading and writing
};

}  // namespace server

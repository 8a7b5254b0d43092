#pragma once

#include "base/result.hpp"
#include "cyrus/store_config.hpp"

#include <cstdint>
#include <string>

namespace cyrus {

/// What is to be put under a quota root.
struct QuotaNeed {
  std::uint64_t octets = 0;
  std::uint64_t messages = 1;
  bool strict = false;  ///< it must fit, as with lmtp_strict_quota
};

/// Whether a quota root has room for more (doc/format/quota.md). Where neither the need nor lmtp_strict_quota is
/// strict, a root that is not over its limits takes what brings it there. An empty name, and a root without a file, has
/// room.
///
/// Blocks on disk. Errors: limit (over quota); unsupported (quota_db); corrupt; permission; io.
base::Result<void> check_quota_room(const std::string& name, const QuotaNeed& need, const StoreConfig& config);

}  // namespace cyrus

#pragma once

#include "base/result.hpp"
#include "cyrus/store_config.hpp"

#include <cstdint>
#include <string>

namespace cyrus {

/// Whether a quota root has room for one more message of `octets` (doc/format/quota.md). Without lmtp_strict_quota a
/// root that is not over its limits takes one that brings it there. An empty root, and one without a file, has room.
///
/// Blocks on disk. Errors: limit (over quota); unsupported (quota_db); corrupt; permission; io.
base::Result<void> check_quota_room(const std::string& root, std::uint64_t octets, const StoreConfig& config);

}  // namespace cyrus

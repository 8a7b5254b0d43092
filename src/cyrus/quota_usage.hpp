#pragma once

#include "cyrus/index_header.hpp"
#include "cyrus/quota_file.hpp"

#include <algorithm>
#include <cstdint>

namespace cyrus {

/// What one mailbox uses of its quota root, itself as a folder included.
inline QuotaUsage usage_of(const IndexHeader& header) {
  QuotaUsage usage;
  usage.storage = static_cast<std::int64_t>(std::min<std::uint64_t>(header.quota_mailbox_used, INT64_MAX));
  usage.messages = static_cast<std::int64_t>(header.exists);
  usage.annotations = static_cast<std::int64_t>(std::min<std::uint64_t>(header.quota_annot_used, INT64_MAX));
  usage.folders = 1;
  return usage;
}

inline QuotaUsage negated(QuotaUsage usage) {
  usage.storage = -usage.storage;
  usage.messages = -usage.messages;
  usage.annotations = -usage.annotations;
  usage.folders = -usage.folders;
  return usage;
}

}  // namespace cyrus

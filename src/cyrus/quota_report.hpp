#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace cyrus {

/// A resource of a quota root as its file has it, in the units of the file.
struct QuotaResource {
  std::int64_t used = 0;
  std::optional<std::int64_t> limit;  ///< none: unlimited
};

/// What the file of a quota root says (doc/format/quota.md).
struct QuotaReport {
  QuotaResource storage;      ///< used in octets, limit in KiB
  QuotaResource messages;     ///< numbers
  QuotaResource annotations;  ///< used in octets, limit in KiB
  QuotaResource folders;      ///< numbers
  bool counts_annotations = false;
  bool counts_folders = false;
  bool counts_messages = false;
};

/// Reads a quota file, the list of 3.0 and later or the words of older releases. A usage below 0, which old releases
/// left after errors, counts as 0. Pure. `what` begins error texts. Errors: corrupt.
base::Result<QuotaReport> parse_quota_report(std::string_view text, std::string_view what);

}  // namespace cyrus

#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/quota_file.hpp"
#include "cyrus/store_config.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Which quota root counts a mailbox, and the limits of a root (doc/format/quota.md).
namespace cyrus {

/// nullopt: without a limit.
struct QuotaLimits {
  std::optional<std::uint64_t> storage_kib;
  std::optional<std::uint64_t> messages;

  friend bool operator==(const QuotaLimits&, const QuotaLimits&) = default;
};

struct QuotaRoot {
  std::string name;
  QuotaLimits limits;
  QuotaUsage usage;
};

/// Decodes a quota file, in either form. Pure. Errors: corrupt.
base::Result<QuotaRoot> parse_quota_root(std::string_view text, std::string_view root);

/// The text of a new quota file, with nothing used. Pure.
std::string new_quota_text(const QuotaLimits& limits);

/// The text of a quota file with other limits for storage and messages. Pure. Errors: corrupt; unsupported (the form of
/// releases before 3.0).
base::Result<std::string> change_quota_limits(std::string_view text, const QuotaLimits& limits, std::string_view what);

/// The root that counts a mailbox of this name: the name itself, a parent, or the whole domain, whichever has a quota
/// file first. Empty: none. Blocks on disk. Errors: unsupported (quota_db is not quotalegacy); permission; io.
base::Result<std::string> find_quota_root(const MailboxName& name, const StoreConfig& config);

/// Reads the file of a root. Blocks on disk. Errors: not_found; unsupported; corrupt; permission; io.
base::Result<QuotaRoot> read_quota_root(std::string_view root, const StoreConfig& config);

}  // namespace cyrus

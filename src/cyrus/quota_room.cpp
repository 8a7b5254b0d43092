#include "cyrus/quota_room.hpp"

#include "cyrus/quota_root.hpp"

#include <limits>
#include <optional>

namespace cyrus {
namespace {

using base::Errc;

/// Whether `more` of a resource go beyond its limit, which counts in `unit`.
bool is_over(std::int64_t used, const std::optional<std::uint64_t>& limit, std::uint64_t more, std::uint64_t unit) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  if (!limit || *limit > kMost / unit) return false;
  const auto taken = static_cast<std::uint64_t>(used > 0 ? used : 0);
  return taken > *limit * unit || more > *limit * unit - taken;
}

}  // namespace

base::Result<void> check_quota_room(const std::string& name, const QuotaNeed& need, const StoreConfig& config) {
  if (name.empty()) return {};
  const auto root = read_quota_root(name, config);
  if (!root && root.error().code == Errc::not_found) return {};
  if (!root) {
    // What is wrong with the file, or with its name in cyrus.header, says nothing of room, nor of a user.
    const bool is_damage = root.error().code == Errc::limit || root.error().code == Errc::invalid;
    return tl::unexpected(is_damage ? base::Error{Errc::corrupt, root.error().text} : root.error());
  }
  const bool strict = need.strict || config.lmtp_strict_quota;
  if (is_over(root->usage.storage, root->limits.storage_kib, strict ? need.octets : 0, 1024) ||
      is_over(root->usage.messages, root->limits.messages, strict ? need.messages : 0, 1)) {
    return base::fail(Errc::limit, "quota root " + name + ": over quota");
  }
  return {};
}

}  // namespace cyrus

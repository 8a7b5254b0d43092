#include "cyrus/quota_room.hpp"

#include "base/file_io.hpp"
#include "cyrus/dlist.hpp"
#include "cyrus/quota_file.hpp"

#include <limits>
#include <optional>
#include <string_view>

namespace cyrus {
namespace {

using base::Errc;

constexpr std::size_t kMaxQuotaFile = std::size_t{64} * 1024;

/// Whether `more` of a resource go beyond its limit, which counts in `unit`.
bool is_over(const Dlist& root, std::string_view resource, std::uint64_t more, std::uint64_t unit) {
  const Dlist* item = root.find(resource);
  if (item == nullptr || item->kind != Dlist::Kind::list || item->items.size() < 2) return false;
  const auto used = parse_decimal(item->items[0].text);
  const auto limit = parse_decimal(item->items[1].text);
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  if (!used || !limit || *limit > kMost / unit) return false;
  return *used > *limit * unit || more > *limit * unit - *used;
}

}  // namespace

base::Result<void> check_quota_room(const std::string& root, const QuotaNeed& need, const StoreConfig& config) {
  if (root.empty()) return {};
  const std::string what = "quota root " + root;
  if (config.quota_backend != "quotalegacy") {
    return base::fail(Errc::unsupported, what + ": quota_db " + config.quota_backend + " is not written here");
  }
  const auto file = quota_file_path(root, config);
  if (!file) return tl::unexpected(base::Error{Errc::corrupt, file.error().text});
  const auto text = base::read_file(*file, kMaxQuotaFile);
  if (!text && text.error().code == Errc::not_found) return {};
  if (!text) return tl::unexpected(text.error());
  std::string_view line = *text;
  if (line.ends_with('\n')) line.remove_suffix(1);
  const auto list = parse_dlist(line);
  if (!list || list->kind != Dlist::Kind::fields) return {};
  const bool strict = need.strict || config.lmtp_strict_quota;
  if (is_over(*list, "S", strict ? need.octets : 0, 1024) || is_over(*list, "M", strict ? need.messages : 0, 1)) {
    return base::fail(Errc::limit, what + ": over quota");
  }
  return {};
}

}  // namespace cyrus

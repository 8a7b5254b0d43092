#include "base/check.hpp"
#include "cyrus/quota_root.hpp"

#include <cstdint>

/// Any text as a quota file, read and with other limits.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto quota = cyrus::parse_quota_root(text, "user.ann");
  if (!quota) {
    CHECK(quota.error().text.starts_with("quota root user.ann: "));
    return 0;
  }
  CHECK(quota->usage.storage >= 0 && quota->usage.messages >= 0);
  CHECK(quota->usage.annotations >= 0 && quota->usage.folders >= 0);
  const cyrus::QuotaLimits limits{7, std::nullopt};
  if (const auto changed = cyrus::change_quota_limits(text, limits, "quota")) {
    const auto again = cyrus::parse_quota_root(*changed, "user.ann");
    CHECK(again && again->limits == limits && again->usage == quota->usage);
  }
  return 0;
}

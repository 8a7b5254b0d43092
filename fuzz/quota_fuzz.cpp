// Any text as a quota file, and as the name of a quota root.

#include "base/check.hpp"
#include "cyrus/quota_file.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const cyrus::QuotaUsage some{-437, 2, 1};
  if (const auto once = cyrus::add_quota_usage(text, some, "user.ann", "quota")) {
    // What was written can be changed again, and adding nothing keeps the usage.
    const auto twice = cyrus::add_quota_usage(*once, {}, "user.ann", "quota");
    CHECK(twice);
    CHECK(cyrus::add_quota_usage(*twice, some, "user.ann", "quota"));
  }
  cyrus::StoreConfig config;
  config.config_directory = "/conf";
  config.quota_db = "/conf/quota";
  if (const auto file = cyrus::quota_file_path(text, config)) {
    CHECK(file->lexically_normal() == *file);
    CHECK(file->native().starts_with("/conf/quota/") || file->native().starts_with("/conf/domain/"));
  }
  return 0;
}

#include "base/check.hpp"
#include "cyrus/quota_report.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto report = cyrus::parse_quota_report({reinterpret_cast<const char*>(data), size}, "quota");
  if (!report) {
    CHECK(report.error().text.starts_with("quota: "));
    return 0;
  }
  for (const auto* resource : {&report->storage, &report->messages, &report->annotations, &report->folders}) {
    CHECK(resource->used >= 0 && (!resource->limit || *resource->limit >= 0));
  }
  return 0;
}

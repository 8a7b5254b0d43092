#include "base/check.hpp"
#include "config/cyrus_conf.hpp"

#include <cstdint>
#include <string_view>

/// The input is a cyrus.conf, and also the value of a `listen`.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  if (const auto address = config::parse_listen(text)) {
    CHECK(address->path.empty() != address->port.empty());
    CHECK(address->path.size() < 108);
  }

  const auto conf = config::CyrusConf::parse("fuzz.conf", text);
  if (!conf) {
    CHECK(conf.error().text.starts_with("fuzz.conf: line "));
    return 0;
  }
  for (const auto& entry : conf->start) CHECK(!entry.name.empty() && !entry.cmd.empty() && entry.line > 0);
  for (const auto& entry : conf->services) {
    CHECK(!entry.name.empty() && !entry.cmd.empty() && entry.line > 0);
    CHECK(config::parse_listen(entry.listen).has_value());
    CHECK(entry.maxchild >= -1 && entry.prefork >= 0 && entry.maxforkrate >= 0 && entry.maxfds >= 0);
  }
  for (const auto& entry : conf->events) {
    CHECK(!entry.name.empty() && !entry.cmd.empty() && entry.period >= 0);
    CHECK(entry.at >= -1 && entry.at <= 2359);
  }
  for (const auto& entry : conf->daemons) CHECK(!entry.cmd.empty() && entry.maxforkrate >= 0);
  return 0;
}

#include "base/check.hpp"
#include "config/imapd_conf.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace {

using config::ImapdConf;
using config::OptionType;

/// Asks for everything: no accepted file may have an option without a usable value.
void read_all(const ImapdConf& conf) {
  for (const config::OptionInfo& row : config::option_table()) {
    switch (row.type) {
      case OptionType::toggle:
        conf.is_on(row.option);
        break;
      case OptionType::integer:
        conf.integer(row.option);
        break;
      case OptionType::duration:
        CHECK(conf.duration(row.option).count() >= -2147483647);
        break;
      case OptionType::byte_size:
        conf.byte_size(row.option);
        break;
      case OptionType::text:
        CHECK(conf.text(row.option) || !row.default_value);
        break;
      case OptionType::enumeration:
      case OptionType::string_list:
        CHECK(!conf.choice(row.option).empty() || !row.default_value);
        break;
      case OptionType::bitfield:
        conf.words(row.option);
        break;
    }
    CHECK(conf.is_set(row.option) == conf.find(row.name).has_value());
  }
  for (const auto& [name, path] : conf.find_prefix("partition-")) {
    CHECK(conf.find("partition-" + name) == path);
  }
  CHECK(conf.text(config::Option::configdirectory)->starts_with('/'));
}

}  // namespace

/// The input up to the first 0x01 byte is the main file, what follows up to the next one is what the first `@include`
/// brings, and so on.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto next_file = [&rest] {
    const std::size_t end = rest.find('\x01');
    const std::string text(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return text;
  };
  const std::string main = next_file();
  const auto conf = ImapdConf::parse("fuzz.conf", main, "pop3",
                                     [&](const std::string&) { return base::Result<std::string>(next_file()); });
  if (conf) {
    read_all(*conf);
  } else {
    CHECK(!conf.error().text.empty());
  }
  return 0;
}

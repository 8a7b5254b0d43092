#include "auth/user_name.hpp"
#include "base/check.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// The first byte chooses the rules, the rest is what a client typed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned choice = data[0];
  const std::string_view typed{reinterpret_cast<const char*>(data) + 1, size - 1};

  auth::NameRules rules;
  rules.virtual_domains = static_cast<auth::VirtualDomains>(choice % 3);
  rules.fold_case = (choice & 0x08) != 0;
  rules.subfolders = (choice & 0x10) != 0;
  rules.hierarchy_dot = (choice & 0x20) != 0;
  if ((choice & 0x40) != 0) rules.default_domain = "internal";
  if ((choice & 0x80) != 0) rules.local_domain = "example.test";

  const auto name = auth::canonical_name(typed, rules);
  if (!name) {
    CHECK(!name.error().text.empty());
    return 0;
  }
  CHECK(!name->user.empty() && name->user.size() <= auth::kMaxUserName);
  CHECK(name->subfolder.size() <= auth::kMaxSubfolder);
  CHECK(name->user.find('/') == std::string::npos && name->user.find('\0') == std::string::npos);

  // What is canonical stays so; only a missing domain may be added under `on`.
  rules.local_domain.clear();
  const auto again = auth::canonical_name(name->user, rules);
  CHECK(again && again->user == name->user && again->subfolder.empty());
  return 0;
}

#pragma once

#include "base/result.hpp"
#include "config/option.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace config {

/// What imapd.conf(5) says, read once and never changed: safe to share between threads.
class ImapdConf {
 public:
  /// Reads `file`, what it includes, and checks it. `service` is the cyrus.conf name of the reader, whose
  /// `SERVICE_option:` lines beat the plain ones; empty for tools. CYRUS_PREFIX is honoured for the file and includes.
  ///
  /// Blocks on disk. Errors: not_found, permission, io (unreadable file); invalid (text names file and line).
  static base::Result<ImapdConf> load(const std::filesystem::path& file, std::string_view service);

  /// Typed values; the default where the file is silent. The option must have the asked type (CHECK).
  bool is_on(Option option) const;
  int integer(Option option) const;
  std::chrono::seconds duration(Option option) const;
  /// In bytes; negative only where the option's default is.
  std::int64_t byte_size(Option option) const;
  /// A string option: nullopt when it has neither value nor default. `{configdirectory}` is replaced already.
  std::optional<std::string_view> text(Option option) const;
  /// An enum or string list option: one of its words.
  std::string_view choice(Option option) const;
  /// A bitfield option: its words.
  std::vector<std::string_view> words(Option option) const;

  /// True when the file names the option, plainly or with the service prefix.
  bool is_set(Option option) const;

  /// A key that is no option of the table (`partition-NAME`, `sasl_XXX`, `HOST_password`), the service-prefixed form
  /// first. Keys are folded to lower case.
  std::optional<std::string_view> find(std::string_view key) const;

  /// All such keys that begin with `prefix`, without it, in file order: partitions, for instance.
  std::vector<std::pair<std::string, std::string>> find_prefix(std::string_view prefix) const;

  /// What the administrator should know although the file is valid: deprecated names, unknown options. One line each.
  const std::vector<std::string>& warnings() const;
  const std::filesystem::path& file() const;
  const std::string& service() const;
  // (private part belongs to the implementer)
};

}  // namespace config

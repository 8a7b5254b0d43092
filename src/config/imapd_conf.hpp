#pragma once

#include "base/result.hpp"
#include "config/imapd_conf_lines.hpp"
#include "config/option.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace config {

/// Whether a configuration must name the directories of mail: master and tools that touch none do without.
enum class Partitions { required, optional };

/// What imapd.conf(5) says, read once and never changed: safe to share between threads.
///
/// Views that the functions answer with live as long as the object that was asked.
class ImapdConf {
 public:
  /// Reads `file`, what it includes, and checks it. `service` is the cyrus.conf name of the reader, whose
  /// `SERVICE_option:` lines beat the plain ones; empty for tools. CYRUS_PREFIX is honoured for the file and includes.
  ///
  /// Blocks on disk. Errors: not_found, permission, io (unreadable file); invalid (text names file and line).
  static base::Result<ImapdConf> load(const std::filesystem::path& file, std::string_view service,
                                      Partitions partitions = Partitions::required);

  /// As load, but of `text`, which is called `file` in messages. Touches no disk unless `read_include` does.
  static base::Result<ImapdConf> parse(const std::string& file, std::string_view text, std::string_view service,
                                       const IncludeReader& read_include, Partitions partitions = Partitions::required);

  /// Typed values; the default where the file is silent. The option must have the asked type (CHECK).
  bool is_on(Option option) const;
  int integer(Option option) const;
  std::chrono::seconds duration(Option option) const;
  /// In bytes; negative only where the option's default is.
  std::int64_t byte_size(Option option) const;
  /// A string option: nullopt when it has neither value nor default. `{configdirectory}` is replaced already.
  std::optional<std::string_view> text(Option option) const;
  /// An enum or string list option: one of its words; empty when it has neither value nor default.
  std::string_view choice(Option option) const;
  /// A bitfield option: its words.
  std::vector<std::string_view> words(Option option) const;

  /// True when the file names the option, plainly, with the service prefix, or by a deprecated name. A deprecated
  /// option whose value moved to another one is not set itself.
  bool is_set(Option option) const;

  /// A key that is no option of the table (`partition-NAME`, `sasl_XXX`, `HOST_password`), the service-prefixed form
  /// first. Keys are folded to lower case. An option of the table is found too when it is set, so that whoever serves
  /// other people's names (libsasl's) needs no list of ours.
  std::optional<std::string_view> find(std::string_view key) const;

  /// All keys outside the table that begin with `prefix`, without it, in file order: partitions, for instance. The
  /// service-prefixed value beats the plain one.
  std::vector<std::pair<std::string, std::string>> find_prefix(std::string_view prefix) const;

  /// What the administrator should know although the file is valid: deprecated names, unknown options. One line each.
  const std::vector<std::string>& warnings() const;
  const std::filesystem::path& file() const;
  const std::string& service() const;

 private:
  class Builder;

  struct Setting {
    std::string text;         ///< of every type, as far as there is a value
    std::int64_t number = 0;  ///< of a switch, int, duration (seconds) and byte size
    bool has_value = false;   ///< by the file or by default
    bool is_set = false;
    bool of_service = false;
    std::string file;
    int line = 0;
  };

  struct Key {
    std::string name;
    std::string value;
    std::string file;
    int line = 0;
  };

  const Setting& setting(Option option, OptionType type) const;
  const Key* find_key(const std::string& name) const;
  std::vector<Key> keys_with(std::string_view prefix) const;

  std::filesystem::path file_;
  std::string service_;
  std::vector<Setting> settings_;  ///< one for each row of the option table
  std::vector<Key> keys_;          ///< everything else, in file order
  std::unordered_map<std::string, std::size_t> key_index_;
  std::vector<std::string> warnings_;
};

}  // namespace config

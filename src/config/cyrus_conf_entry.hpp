#pragma once

#include "base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace config {

/// Pairs of one entry, as in Cyrus.
inline constexpr std::size_t kMaxAttributes = 64;

/// One line of a section of cyrus.conf(5): a name and `key=value` pairs. Whoever wants values takes them; what nobody
/// has taken is unknown.
class EntryLine {
 public:
  /// Splits the line. nullopt for a blank one and a comment. Pure.
  /// Errors: invalid, the text says what is wrong, without file and line (bad character, missing quote).
  static base::Result<std::optional<EntryLine>> parse(std::string_view text);

  const std::string& name() const { return name_; }

  /// The value of `key`, the first where it stands twice; nullopt when it is not there.
  std::optional<std::string> take(std::string_view key);
  /// The value cut at white space, without quoting; empty when it is not there.
  std::vector<std::string> take_words(std::string_view key);
  /// A decimal number or `otherwise`. Errors: invalid for anything else, also for an empty value.
  base::Result<int> take_number(std::string_view key, int otherwise);
  /// A switch or `otherwise`. Errors: invalid for anything else.
  base::Result<bool> take_switch(std::string_view key, bool otherwise);

  /// Keys that nobody took.
  std::vector<std::string> unknown() const;
  /// Keys that stand twice, once for each further time.
  const std::vector<std::string>& repeated() const { return repeated_; }

 private:
  struct Attribute {
    std::string key;
    std::string value;
    bool taken = false;
  };

  base::Result<void> add(std::string key, std::string value);

  std::string name_;
  std::vector<Attribute> attributes_;
  std::vector<std::string> repeated_;
};

}  // namespace config

#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>

/// Text from outside as it may stand in one log line: it can neither begin another line nor pass for another field.
namespace base {

/// `value` as a field ` key=<value>`, the form of Cyrus's audit lines. Control octets, those of 0x7F and above and the
/// three that give the form its meaning, `<`, `>` and `\`, become \xNN.
std::string bracketed(std::string_view key, std::string_view value);

/// `value` as logfmt has it (doc/format/log-lines.md): as it stands, quoted, or `~null~` for nullopt. A text that is
/// `~null~` itself is quoted.
std::string logfmt_value(std::optional<std::string_view> value);

/// A log line of `key=value` pairs, put together in the order of the calls. Keys are ours: letters, digits and dots.
class Logfmt {
 public:
  /// Begins with `event=NAME`.
  explicit Logfmt(std::string_view event) : line_("event=" + std::string(event)) {}

  Logfmt& add(std::string_view key, std::optional<std::string_view> value);
  Logfmt& add(std::string_view key, std::integral auto number) {
    return add(key, std::string_view(std::to_string(number)));
  }

  const std::string& line() const { return line_; }

 private:
  std::string line_;
};

}  // namespace base

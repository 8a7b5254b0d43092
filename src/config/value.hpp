#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The values of imapd.conf(5) and cyrus.conf(5) as text. Pure; nullopt is text that does not fit.
namespace config {

/// A switch is known by its first letters, in lower case only: 0, n, of and f are off, 1, y, on and t are on.
/// Cyrus: `yippee` is on, `Yes` is an error.
std::optional<bool> parse_toggle(std::string_view text);

struct Integer {
  int value = 0;
  /// The number did not fit into 32 bits; `value` is what Cyrus makes of it, its lower 32 bits.
  bool cut = false;
};

/// A number as strtol(3) with base 0 reads it, up to the end of the text: 10, -10, 0x10, 010.
std::optional<Integer> parse_integer(std::string_view text);

/// One or more numbers with d, h, m or s behind them, together, with an optional `-` in front: 1h30m. The last may be
/// bare and then counts `unit` (one of d h m s). Absolute values from 2^31 seconds on do not fit.
std::optional<std::chrono::seconds> parse_duration(std::string_view text, char unit);

/// A number of bytes with an optional K, M or G (powers of 1024), optional `i`, optional `B`, in any case, blanks
/// before these. A bare number counts `unit` (B K M G). A sign fits only where `negative` allows it.
std::optional<std::int64_t> parse_byte_size(std::string_view text, char unit, bool negative);

/// The word that an enumeration means: yes, true, t and 1 are other spellings of on; no, false, f and 0 of off.
std::string_view enumeration_word(std::string_view text);

/// The pieces between white space, none of them empty. They point into `text`.
std::vector<std::string_view> split_words(std::string_view text);

/// `text` for an error message: printable, in single quotes, and cut when it is long.
std::string shown(std::string_view text);

}  // namespace config

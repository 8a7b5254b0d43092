#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mime {

/// One header field as it stands in the message, its folds (line ends before a blank) included. Views of the header.
struct HeaderField {
  std::string_view name;   ///< What stands before the colon, case kept.
  std::string_view value;  ///< From after the colon to the end of the field, without the final line end.
  std::string_view text;   ///< Both: the field from its first character, without the final line end.

  /// Whether this is the field `lower_case_name`.
  bool is(std::string_view lower_case_name) const;
};

/// Reads the fields of a header in their order (RFC 5322 s2.2). Lines that are no field are skipped.
///
/// Cyrus: fields that begin after the line number `max_lines`, counted from 0 and with continuation lines, are not seen
/// (imapd.conf maxheaderlines); 0 means no such bound.
class HeaderFields {
 public:
  HeaderFields(std::string_view header, std::size_t max_lines) : rest_(header), max_lines_(max_lines) {}

  /// The next field, or nothing after the last.
  std::optional<HeaderField> next();

 private:
  std::string_view rest_;
  std::size_t max_lines_;
  std::size_t line_ = 0;
};

/// The value of a field that is only text: leading blanks skipped, line ends taken out, the blanks of folds kept.
std::string unfolded(std::string_view value);

}  // namespace mime

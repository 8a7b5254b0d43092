#pragma once

#include "base/result.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace config {

/// One `key: value` of imapd.conf(5).
struct Statement {
  std::string key;    ///< in lower case
  std::string value;  ///< without white space at its ends, never empty
  std::string file;
  int line = 0;  ///< the first one, where continuation joined several
};

/// Answers with the text of an included file.
using IncludeReader = std::function<base::Result<std::string>(const std::string& path)>;

/// Files that one load may include, and how deep they may nest.
inline constexpr std::size_t kMaxIncludedFiles = 64;
inline constexpr int kMaxIncludeDepth = 16;

/// Splits the text of `file` into statements, in the order of the lines, with what it includes in place.
///
/// Touches no disk itself. Errors: invalid with file and line (bad name or directive, empty value, a key given twice, a
/// file included twice, a NUL byte); limit; what `read_include` answered, with the line of the `@include` in front.
base::Result<std::vector<Statement>> parse_imapd_conf_lines(const std::string& file, std::string_view text,
                                                            const IncludeReader& read_include);

}  // namespace config

#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace tools {

/// Where a command speaks: results on standard output, everything else on standard error. A line is data: control bytes
/// and bytes of 0x80 and above are shown as \xNN.
class Console {
 public:
  /// One line of the result.
  void line(std::string_view text);
  /// The result as one JSON document. Text that is no UTF-8 has its bad bytes replaced.
  void json(const nlohmann::json& document);
  /// "pillarbox: TEXT" on standard error, apart from a progress bar that may stand there.
  void note(std::string_view text);

  /// False when something written to standard output did not arrive: a full disk must not look like an empty result.
  bool flush();
};

}  // namespace tools

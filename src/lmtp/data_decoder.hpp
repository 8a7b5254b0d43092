#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lmtp {

/// Takes the message out of what follows DATA, in pieces of any size (RFC 5321 s4.5.2).
///
/// A line begins behind CR LF, and nowhere else: the message ends at CR LF '.' CR LF only, and only there a dot is
/// taken off. A bare LF or CR is an octet like another. Whoever thinks otherwise can be made to see commands inside a
/// message
/// ("SMTP smuggling"). What mailboxes store of bare CR and LF is decided where messages are stored.
class DataDecoder {
 public:
  struct Progress {
    std::size_t consumed;  ///< all of the piece, unless the message ended inside it
    bool finished;         ///< what follows is the next command
  };

  /// Appends the octets of the message in `piece` to `out`. Must not be called again once it has finished.
  Progress decode(std::string_view piece, std::string& out);

 private:
  enum class At { line_start, dot, dot_cr, text, cr };
  At at_ = At::line_start;
};

}  // namespace lmtp

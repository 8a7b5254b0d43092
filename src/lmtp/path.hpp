#pragma once

#include <tl/expected.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace lmtp {

/// Most octets of a path with its angle brackets. RFC 5321 s4.5.3.1 promises 256; addresses that carry another one
/// inside (VERP, SRS) are longer, and refusing them would bounce mail.
inline constexpr std::size_t kMaxPathOctets = 1024;

/// The address of MAIL or RCPT (RFC 5321 s4.1.2): without quotes, backslashes, angle brackets and source route.
struct Path {
  std::string local;   ///< any octets but controls; empty: the null path `<>`
  std::string domain;  ///< as written, an address literal with its brackets; empty: none
  enum class Octets { ascii, utf8, other };
  Octets octets = Octets::ascii;  ///< which octets of 0x80 and above it has: none, well-formed UTF-8, anything

  bool is_null() const { return local.empty() && domain.empty(); }
};

/// A path at the begin of a text, and how many octets of the text it takes.
struct PathPrefix {
  Path path;
  std::size_t length = 0;
};

/// Reads `<...>`. A source route is passed over (RFC 5321 s4.1.2, C). Dots may stand anywhere in the local part, as
/// they do in real addresses; octets of 0x80 and above are taken here, admit() judges them. The error is a short
/// reason.
tl::expected<PathPrefix, std::string_view> parse_path(std::string_view text);

/// Whether octets of 0x80 and above may stand in `path`: as UTF-8 of a transaction with SMTPUTF8 (RFC 6531 s3.3), else
/// not; unless `strict` is off, then those of the local part become an X each, so that a message that was accepted by
/// the sender's server need not bounce (lmtp_strict_rfc2821).
bool admit(Path& path, bool utf8, bool strict);

/// The address for a header or a log line, without angle brackets, its local part quoted where it must be.
std::string to_text(const Path& path);

}  // namespace lmtp

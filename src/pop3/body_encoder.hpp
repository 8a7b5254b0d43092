#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pop3 {

/// Turns the bytes of a stored message into the body of a RETR or TOP reply, in pieces of any size: dots are stuffed
/// (RFC 1939 s3), bare LF becomes CRLF, NUL becomes 0x80, the last line gets its CRLF, then comes the final dot.
///
/// Feeding the same bytes in other pieces gives the same output.
class BodyEncoder {
 public:
  /// `top_lines` nullopt: RETR. Else headers, the blank line and that many lines of the body (RFC 1939 s7 TOP).
  explicit BodyEncoder(std::optional<std::uint32_t> top_lines = std::nullopt);

  /// Appends the encoding of the next piece. True while more input is wanted: false once TOP has all its lines.
  bool encode(std::string_view piece, std::string& to);

  /// Ends the reply: the missing line end, if any, and ".CRLF".
  void finish(std::string& to);

  /// Octets of the message as sent so far, stuffed dots and the final dot not counted: what LIST promises.
  std::uint64_t octets() const;
};

}  // namespace pop3

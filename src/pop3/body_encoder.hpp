#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pop3 {

/// The status line of RETR and TOP, to be sent once the message is open (RFC 1939 s5, s7).
inline constexpr std::string_view kMessageFollows = "+OK Message follows\r\n";

/// Turns the bytes of a stored message into the body of a RETR or TOP reply, in pieces of any size: dots are stuffed
/// (RFC 1939 s3), bare LF becomes CRLF, NUL becomes 0x80, the last line gets its CRLF, then comes the final dot.
///
/// Feeding the same bytes in other pieces gives the same output. A CR that no LF follows is text like any other. A
/// message ends up at most twice as long, plus five octets.
class BodyEncoder {
 public:
  /// `top_lines` nullopt: RETR. Else headers, the blank line and that many lines of the body (RFC 1939 s7 TOP); a
  /// message without a blank line is all headers.
  explicit BodyEncoder(std::optional<std::uint32_t> top_lines = std::nullopt);

  /// Appends the encoding of the next piece, which must not lie in `to`. True while more input is wanted: false once
  /// TOP has all its lines; what is fed after that is ignored.
  bool encode(std::string_view piece, std::string& to);

  /// Ends the reply: the missing line end, if any, and ".CRLF". Once, after the last piece.
  void finish(std::string& to);

  /// Octets of the message as sent so far, stuffed dots and the final dot not counted: what LIST promises.
  std::uint64_t octets() const { return octets_; }

 private:
  /// What the line under way holds so far. Whether the last octet was a CR has to outlive a piece, or a CRLF on a
  /// border would be repaired; whether there was more than that CR tells the blank line.
  enum class LineSoFar : std::uint8_t { nothing, only_cr, text, text_and_cr };
  enum class Part : std::uint8_t { whole, header, body, complete };

  bool line_ends_the_reply(bool blank);

  LineSoFar line_ = LineSoFar::nothing;
  Part part_;
  std::uint32_t lines_left_;
  std::uint64_t octets_ = 0;
};

}  // namespace pop3

#pragma once

#include "maildrop/maildrop.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace pop3 {

/// A reply that is ready: one status line, or a short multi-line reply, with every CRLF in place.
struct Line {
  std::string text;
};

/// A scan or unique-id listing of the whole maildrop: rendered piece by piece, see listing.hpp.
struct Listing {
  enum class Kind { scan, unique_id };
  Kind kind;
};

/// A message to open and send: RETR, or TOP with its number of body lines. The status line is sent when the open
/// succeeded, see body_encoder.hpp.
struct Body {
  maildrop::MessageNumber number;
  std::optional<std::uint32_t> top_lines;  ///< nullopt: RETR
};

using Reply = std::variant<Line, Listing, Body>;

/// The longest status line, CRLF included (RFC 2449 s4).
inline constexpr std::size_t kMaxReplyOctets = 512;

/// The text for every keyword that the state does not know.
inline constexpr std::string_view kUnrecognized = "Unrecognized command";

/// "+OK", "+OK text", "-ERR text", "-ERR [CODE] text", each with CRLF. Text must be printable; that is CHECKed for CR
/// and LF, which would forge a reply.
Line ok(std::string_view text = {});
Line err(std::string_view text);

/// As err(), for a text that somebody else wrote (the shutdown file, user_deny, another server): control octets become
/// blanks, and what passes kMaxReplyOctets is cut off.
Line err_foreign(std::string_view text);

/// What a client sees when the store refuses. Fixed phrases with response codes (RFC 2449 s8, RFC 3206); the error's
/// own text is for the log. login_delay() is for a login before popminpoll has passed (Errc::limit of an open).
Line could_not_open(const base::Error& error);  ///< after a good login
Line login_delay(std::int64_t minutes);
Line blocked(std::string_view text);                    ///< user_deny.db's text, of an administrator
Line could_not_read_message(const base::Error& error);  ///< RETR, TOP
Line could_not_update(const base::Error& error);        ///< QUIT

}  // namespace pop3

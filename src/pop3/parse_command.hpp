#pragma once

#include "pop3/command.hpp"
#include "pop3/reply.hpp"

#include <tl/expected.hpp>

#include <cstddef>
#include <string_view>

namespace pop3 {

/// The longest command line that is looked at, in octets without the line end. RFC 2449 s4 promises 255 to clients;
/// 8191 is what Cyrus reads, and passwords and initial responses may need it.
inline constexpr std::size_t kMaxCommandOctets = 8191;

/// Why a line is no command. `hostile` counts toward the bound on bad commands; what clients try out in good faith, an
/// unknown LAST, XTND, UTF8, LANG and the like, does not. `foreign`: it is the first line of an HTTP request, which
/// some web page may have made a browser send here with lines of its own choice behind it.
struct BadCommand {
  Line reply;
  bool hostile = true;
  bool foreign = false;
};

/// Parses one command line, without its line end, as the given state understands it (RFC 1939 s3, RFC 2449 s4,
/// RFC 5034 s4). Pure; any bytes are fine.
///
/// A NUL anywhere makes the line a syntax error, more than kMaxCommandOctets make it overlong: such a line is refused
/// whole, no part of it is looked at. Message-numbers are only read here: whether the message exists is transact()'s
/// question. A bare APOP comes back with an empty name, because only the session knows whether APOP is a command.
tl::expected<Command, BadCommand> parse_command(std::string_view line, State state);

/// The refusal of a line of more than kMaxCommandOctets, for a reader that has thrown it away.
BadCommand overlong_line();

}  // namespace pop3

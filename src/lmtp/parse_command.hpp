#pragma once

#include "lmtp/command.hpp"
#include "lmtp/reply.hpp"

#include <tl/expected.hpp>

#include <cstddef>
#include <string_view>

namespace lmtp {

/// The longest command line that is looked at, in octets without the line end. RFC 5321 s4.5.3.1.4 promises 512, with
/// what extensions add (RFC 1870 s3, RFC 4954 s3, RFC 6531 s3.1); paths may be longer here, and AUTH may bring an
/// initial response (RFC 4954 s4: 12288).
inline constexpr std::size_t kMaxCommandOctets = 16384;

/// Parses one command line, without its line end (RFC 2033 s4, RFC 5321 s4.1). Pure; any bytes are fine. A line with a
/// control octet, NUL and bare CR included, is refused whole. The error is the reply.
///
/// Parameters of extensions that LHLO does not announce, DSN among them, are refused (RFC 5321 s4.1.1.11).
tl::expected<Command, Reply> parse_command(std::string_view line);

/// For a line of more than kMaxCommandOctets, which its reader has thrown away (RFC 5321 s4.5.3.1.9).
Reply overlong_line();

}  // namespace lmtp

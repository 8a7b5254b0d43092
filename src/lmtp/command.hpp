#pragma once

#include "lmtp/path.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace lmtp {

struct Lhlo {
  std::string name;  ///< what the client calls itself: printable, no blank
};
struct Mail {
  Path sender;
  std::optional<std::uint64_t> size;  ///< SIZE (RFC 1870 s6)
  bool eight_bit = false;             ///< BODY=8BITMIME (RFC 6152 s2)
  bool utf8 = false;                  ///< SMTPUTF8 (RFC 6531 s3.4)
};
struct Rcpt {
  Path recipient;
  bool ignore_quota = false;  ///< Cyrus: IGNOREQUOTA
};
struct Data {};
struct Rset {};
struct Noop {};
struct Vrfy {};
struct Quit {};
struct StartTls {};
struct Auth {
  std::string mechanism;
  std::optional<std::string> initial_response;  ///< base64 as it came, "=" for an empty one (RFC 4954 s4)
};
/// BDAT is not offered. A client that sends it all the same will send octets of a message next: they must never be
/// taken for commands.
struct Bdat {};

using Command = std::variant<Lhlo, Mail, Rcpt, Data, Rset, Noop, Vrfy, Quit, StartTls, Auth, Bdat>;

}  // namespace lmtp

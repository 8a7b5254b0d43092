#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace config {

/// The value of `listen` in cyrus.conf(5). Names are not looked up.
struct ListenAddress {
  enum Kind { unix_socket, inet };

  Kind kind = inet;
  std::string path;  ///< of a unix socket, fits into sockaddr_un
  std::string host;  ///< name or address without brackets; empty: all addresses
  std::string port;  ///< number up to 65535 or service name, never empty; "0": the kernel chooses
};

/// Reads `/path`, `port`, `host:port`, `[address]:port` and `[address]` (port 0).
///
/// Pure. Errors: invalid (empty or too long, no host or port where one must be, a port out of range, an IPv6 address
/// without brackets, blanks or control characters); the text shows the value.
base::Result<ListenAddress> parse_listen(std::string_view text);

}  // namespace config

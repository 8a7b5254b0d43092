#pragma once

#include <string>

namespace net {

/// One end of a connection, as text for logs and SASL. `ip` is "" for a Unix socket; an IPv4 address that came through
/// an IPv6 socket is written as IPv4; the scope of a link-local address is left out.
struct Endpoint {
  std::string ip;
  unsigned port = 0;
};

}  // namespace net

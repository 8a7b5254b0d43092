#pragma once

#include <chrono>

namespace net {

/// Whether and how the system probes peers that have been silent (RFC 9293 s3.8.4), so that those that are gone without
/// a word are noticed. 0 leaves the system's own value.
struct KeepAlive {
  bool on = false;
  int probes = 0;                    ///< as many without an answer end the connection
  std::chrono::seconds idle{0};      ///< of silence before the first one
  std::chrono::seconds interval{0};  ///< between two
};

/// Sets it on a connected TCP socket, which stays the caller's. Other sockets, and values that the system does not
/// take, are left as they are: nothing depends on it. Does not block.
void keep_alive(int socket, const KeepAlive& wanted) noexcept;

}  // namespace net

#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

namespace master {

/// Where a service listens: what cyrus.conf says in `listen` and `proto`.
struct Endpoint {
  std::string path;   ///< of a unix socket; empty: an internet address
  std::string host;   ///< empty: every address of this host
  std::string port;   ///< number or name; empty: the kernel chooses
  std::string proto;  ///< tcp tcp4 tcp6 udp udp4 udp6
};

/// One address that a socket can be bound to.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  int family = AF_UNSPEC;
  int type = SOCK_STREAM;
  std::string text;  ///< for people: 127.0.0.1:110, [::1]:110, /run/lmtp
};

/// All addresses of the endpoint, in the order of the resolver, none of them twice. Blocks on name lookup.
/// Errors: not_found (unknown host or port name); invalid (proto, a path that is too long).
base::Result<std::vector<SocketAddress>> resolve(const Endpoint& endpoint);

/// "ipv4", "ipv6" or "unix".
std::string_view family_name(const SocketAddress& address);

struct ListenOptions {
  int backlog = 32;
  int type_of_service = 0;  ///< IP_TOS and IPV6_TCLASS; 0: left alone
};

/// A bound and, for streams, listening socket: blocking, close-on-exec. IPv6 sockets serve IPv6 only. A unix socket
/// that stands at the path is replaced, and the new one is open to everybody (0777), as with Cyrus; anything else is
/// kept.
///
/// Errors: unsupported (the kernel has no such family); permission, io, ...: "cannot bind 127.0.0.1:110: Address
/// already in use", errnum set.
base::Result<base::UniqueFd> open_listener(const SocketAddress& address, const ListenOptions& options);

/// The value of IP_TOS for a word of the option qosmarking ("cs0" to "cs7", "af11" to "af43", "ef"); 0 for others.
int type_of_service(std::string_view qosmarking);

}  // namespace master

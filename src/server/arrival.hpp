#pragma once

#include "base/unique_fd.hpp"
#include "net/endpoint.hpp"
#include "net/listener.hpp"
#include "net/timer.hpp"
#include "server/login_guard.hpp"

#include <memory>
#include <utility>

namespace server {

/// A client's connection as its session gets it.
struct Arrival {
  base::UniqueFd socket;
  /// The ends of the client's own connection, also where a proxy stands between: what goes into log lines, limits and
  /// SASL.
  net::Endpoint peer;
  net::Endpoint local;
  net::Clock::time_point at = net::Clock::now();  ///< when it came: time limits before login count from here
  bool proxied = false;                           ///< a proxy told us the client's address
  /// TLS ends at the proxy, so no TLS of ours reaches the client: nothing may be bound to it (RFC 5056).
  bool tls_ends_at_proxy = false;
  /// And it counts as TLS: passwords may come, tls_required is satisfied, STLS is over.
  bool counts_as_tls = false;

  std::unique_ptr<LoginGuard> guard;  ///< never null once the client was let in

  explicit Arrival(net::Accepted accepted)
      : socket(std::move(accepted.socket)), peer(std::move(accepted.peer)), local(std::move(accepted.local)) {}
};

}  // namespace server

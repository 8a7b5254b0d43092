#pragma once

#include "net/stream.hpp"
#include "tls_client.hpp"

#include <functional>
#include <optional>
#include <string>

namespace net::testing {

/// How one connection went on both sides.
struct TlsSession {
  std::optional<TlsInfo> info;  ///< nullopt: the handshake failed on our side
  std::string error;            ///< then why
  std::string client_failure;   ///< the alert that the client got, or ""
  bool answered = false;        ///< a line came and went
};

/// Serves one connection over a real socket: handshake, one line echoed, an orderly end. `prepare` sees the client
/// before the handshake, `inspect` after the end of the connection, when it was good.
TlsSession serve_one(const TlsContext& context, const std::function<void(TlsClient&)>& prepare = {},
                     const std::function<void(TlsClient&)>& inspect = {}, int highest_version = 0);

}  // namespace net::testing

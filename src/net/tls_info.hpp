#pragma once

#include <string>

namespace net {

/// What ties a SASL exchange to one TLS connection (RFC 5056). Both empty: this connection has no binding that is
/// unique to it.
struct ChannelBinding {
  std::string type;  ///< "tls-exporter" over TLS 1.3 (RFC 9266 s2), "tls-unique" over TLS 1.2 (RFC 5929 s3)
  std::string data;  ///< octets

  ChannelBinding() = default;
};

/// What a finished handshake agreed on, for the log line and the SASL layer.
struct TlsInfo {
  std::string version;  ///< "TLSv1.3"
  std::string cipher;   ///< "TLS_AES_256_GCM_SHA384"
  int bits = 0;         ///< secret bits in use
  int algorithm_bits = 0;
  bool resumed = false;
  std::string protocol;  ///< what ALPN agreed on; "" when the client offered none

  /// The client's identity for EXTERNAL: the one CN of its certificate, which was verified; "" when there is none. No
  /// control characters, nothing beyond ASCII: still a name from outside, which the SASL layer canonicalises.
  std::string client_name;
  /// Why a certificate that was verified gives no identity, for the log; else "".
  std::string client_problem;

  ChannelBinding binding;

  TlsInfo() = default;
};

}  // namespace net

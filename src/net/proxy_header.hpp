#pragma once

#include "net/endpoint.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace net {

/// What the header says of a TLS connection between the client and the proxy (PP2_TYPE_SSL). Texts hold printable ASCII
/// only: one with any other octet comes out empty.
struct ProxyTls {
  bool active = false;       ///< the client's connection to the proxy is under TLS
  bool certificate = false;  ///< the client showed a certificate, on this connection or in the TLS session
  bool verified = false;     ///< and the proxy verified it
  std::string version;       ///< "TLSv1.3"
  std::string cipher;
  std::string common_name;  ///< of the client's certificate: a claim of the proxy
};

/// What a PROXY header says (the "PROXY protocol" of HAProxy, versions 1 and 2). Texts as in ProxyTls.
struct ProxyHeader {
  unsigned version = 1;
  /// The ends of the client's connection to the proxy. Both empty: the connection is the proxy's own (LOCAL, for its
  /// health checks), or came from somewhere without IP addresses (UNKNOWN, Unix sockets): the socket's ends count.
  Endpoint source;
  Endpoint destination;
  std::optional<ProxyTls> tls;
  std::string authority;    ///< the name that the client asked for by SNI
  std::string application;  ///< what ALPN agreed on
  std::string unique_id;    ///< any octets, at most 128

  bool has_addresses() const { return !source.ip.empty(); }
};

/// Reads a PROXY header from octets that come in pieces of any size. Pure.
///
/// Strict where the specification lets it be: a header with one mistake is refused as a whole, at the first octet that
/// cannot belong to a good one. TLVs of unknown types are passed over.
class ProxyHeaderParser {
 public:
  enum class Status { incomplete, complete, refused };

  /// The longest line of version 1, with CR LF.
  static constexpr std::size_t kMaxLineOctets = 107;

  /// Takes what belongs to the header from the front of `octets`, and returns how many those are: never one that
  /// follows the header. 0 when the status is not incomplete.
  std::size_t feed(std::string_view octets);

  Status status() const { return status_; }
  /// Once complete.
  const ProxyHeader& header() const { return header_; }
  /// Why it was refused, for the log.
  std::string_view complaint() const { return complaint_; }

 private:
  void take_first(char octet);
  void take_of_line(char octet);
  std::size_t take_of_block(std::string_view octets);
  void refuse(std::string_view complaint);
  void read_line();
  void read_block();

  Status status_ = Status::incomplete;
  std::string octets_;
  ProxyHeader header_;
  std::string_view complaint_;
};

}  // namespace net

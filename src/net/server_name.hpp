#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace net {

/// The host name that a server_name extension asks for (RFC 6066 s3), in lower case. "": nothing that could be one
/// (malformed, empty, longer than a DNS name, octets other than letters, digits, `-`, `_` and dots).
std::string requested_name(std::span<const unsigned char> extension);

/// Which certificates are good for which host name. What a stranger asks for is looked up, never kept: a name costs one
/// comparison for each doubling of the names that we have.
class CertificateNames {
 public:
  /// `certificate` is shown for `name`, which may begin with `*.` (RFC 9525 s6.3: one whole label). Names that are no
  /// host names and other wildcards are passed over. Of several certificates of one `kind` (RSA, ECDSA) for a name the
  /// first one counts.
  void add(std::string_view name, std::size_t certificate, int kind);

  /// The certificates for a name in lower case, the name itself going before a wildcard; empty when it has none.
  std::span<const std::size_t> find(std::string_view name) const;

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::vector<std::size_t> certificates;
    std::vector<int> kinds;
  };
  std::map<std::string, Entry, std::less<>> entries_;  // wildcards as `*.example.org`
};

}  // namespace net

#pragma once

#include "net/openssl_ptr.hpp"

#include <string>
#include <string_view>

namespace net {

/// SHA-256 over what a TLS set-up was made of, part by part: two set-ups with the same digest may resume each other's
/// sessions. Parts cannot run into each other.
class SetupDigest {
 public:
  SetupDigest();

  void add(std::string_view part);
  void add(const X509* certificate);
  void add(const X509_CRL* list);
  /// 32 octets over what was added so far.
  std::string value() const;

 private:
  DigestPtr state_;
};

}  // namespace net

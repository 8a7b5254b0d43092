#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mime {

/// One entry of an address list as IMAP's ENVELOPE shows it (RFC 3501 s7.4.2).
/// A group begins with an entry that has a mailbox and no domain, and ends with one that has neither.
struct Address {
  std::optional<std::string> name;  ///< As written, its encoded words not decoded.
  std::optional<std::string> route;
  std::optional<std::string> mailbox;
  std::optional<std::string> domain;

  bool operator==(const Address&) const = default;
};

using AddressList = std::vector<Address>;

/// Addresses beyond this number are not seen: each can cost sixty times its octets in the cache.
inline constexpr std::size_t kMaxAddresses = 20'000;

/// Reads the value of an address field, folds included (RFC 5322 s3.4), as leniently as Cyrus does: every text comes
/// out as some list. An address without a domain is of the domain `unspecified-domain`.
AddressList parse_address_list(std::string_view value);

}  // namespace mime

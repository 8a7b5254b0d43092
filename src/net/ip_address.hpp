#pragma once

#include "base/result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace net {

/// An IPv4 or IPv6 address. One that is IPv4 within IPv6 (::ffff:192.0.2.1) is the IPv4 address.
class IpAddress {
 public:
  /// The usual notation, nothing before or behind it; nullopt for anything else.
  static std::optional<IpAddress> parse(std::string_view text);
  /// 4 or 16 octets in network order.
  static IpAddress from_v4(const unsigned char* octets);
  static IpAddress from_v6(const unsigned char* octets);

  bool is_v4() const { return v4_; }
  unsigned bits() const { return v4_ ? 32 : 128; }
  std::string text() const;
  /// In network order; an IPv4 address has four, then zeros.
  const std::array<unsigned char, 16>& octets() const { return octets_; }

  /// The network of the first `bits` bits: what is behind them is zero.
  IpAddress network(unsigned bits) const;

  /// Whom we take for one stranger: an IPv4 address; of an IPv6 address its /64, which one household has to itself.
  IpAddress household() const { return v4_ ? *this : network(64); }
  /// What one customer of a hosting company has to itself: an IPv4 address; of an IPv6 address its /48.
  IpAddress site() const { return v4_ ? *this : network(48); }

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  bool v4_ = true;
  std::array<unsigned char, 16> octets_ = {};  // of an IPv4 address the first four
};

/// A set of networks, as an option lists them.
class Networks {
 public:
  /// "127.0.0.0/8 ::1 2001:db8::/32", separated by blanks or commas. An address without a length is that address alone;
  /// bits behind the length do not count. Errors: invalid (names the word).
  static base::Result<Networks> parse(std::string_view text);

  bool contains(const IpAddress& address) const;
  bool empty() const { return networks_.empty(); }

 private:
  struct Network {
    IpAddress first;
    unsigned bits;
  };
  std::vector<Network> networks_;
};

}  // namespace net

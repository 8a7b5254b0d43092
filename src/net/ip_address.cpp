#include "net/ip_address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <netinet/in.h>

namespace net {
namespace {

constexpr std::string_view kMappedPrefix("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

std::optional<unsigned> prefix_length(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  std::array<unsigned char, 16> octets = {};
  if (::inet_pton(AF_INET, terminated.c_str(), octets.data()) == 1) return from_v4(octets.data());
  if (::inet_pton(AF_INET6, terminated.c_str(), octets.data()) == 1) return from_v6(octets.data());
  return std::nullopt;
}

IpAddress IpAddress::from_v4(const unsigned char* octets) {
  IpAddress out;
  std::copy_n(octets, 4, out.octets_.begin());
  return out;
}

IpAddress IpAddress::from_v6(const unsigned char* octets) {
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), reinterpret_cast<const char*>(octets))) {
    return from_v4(octets + kMappedPrefix.size());
  }
  IpAddress out;
  out.v4_ = false;
  std::copy_n(octets, out.octets_.size(), out.octets_.begin());
  return out;
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> out = {};
  // Fails for an unknown family or too little room only.
  static_cast<void>(::inet_ntop(v4_ ? AF_INET : AF_INET6, octets_.data(), out.data(), out.size()));
  return out.data();
}

IpAddress IpAddress::network(unsigned bits) const {
  IpAddress out = *this;
  for (unsigned octet = 0; octet < out.octets_.size(); ++octet) {
    const unsigned kept = std::clamp(bits, octet * 8, octet * 8 + 8) - octet * 8;
    out.octets_[octet] = static_cast<unsigned char>(out.octets_[octet] & (0xFF00U >> kept));
  }
  return out;
}

base::Result<Networks> Networks::parse(std::string_view text) {
  constexpr std::string_view kSeparators = " \t,";
  Networks out;
  for (std::size_t begin = 0; (begin = text.find_first_not_of(kSeparators, begin)) != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kSeparators, begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    begin = end;
    const std::size_t slash = std::min(word.find('/'), word.size());
    const auto address = IpAddress::parse(word.substr(0, slash));
    const auto bits = !address               ? std::nullopt
                      : slash == word.size() ? std::optional(address->bits())
                                             : prefix_length(word.substr(slash + 1));
    if (!bits || *bits > address->bits()) {
      return base::fail(base::Errc::invalid, "\"" + std::string(word) + "\" is no address and no network");
    }
    out.networks_.push_back(Network{address->network(*bits), *bits});
  }
  return out;
}

bool Networks::contains(const IpAddress& address) const {
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    return network.first.is_v4() == address.is_v4() && address.network(network.bits) == network.first;
  });
}

}  // namespace net

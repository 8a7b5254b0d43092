// Whole or in two pieces, cut where the first octet says: the same outcome, and nothing behind the header is taken.
#include "base/check.hpp"
#include "net/proxy_header.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

using net::ProxyHeaderParser;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  ProxyHeaderParser whole;
  const std::size_t used = whole.feed(octets);
  CHECK(used <= octets.size());
  CHECK(whole.status() != ProxyHeaderParser::Status::incomplete || used == octets.size());
  CHECK(whole.feed(octets) == 0 || whole.status() == ProxyHeaderParser::Status::incomplete || used == octets.size());

  const std::size_t cut = std::min<std::size_t>(data[0], octets.size());
  ProxyHeaderParser pieces;
  std::size_t taken = pieces.feed(octets.substr(0, cut));
  if (taken == cut) taken += pieces.feed(octets.substr(cut));
  CHECK(taken == used);

  ProxyHeaderParser again;
  again.feed(octets.substr(0, used));
  CHECK(again.status() == pieces.status());
  if (again.status() != ProxyHeaderParser::Status::complete) return 0;
  const auto& header = again.header();
  CHECK(header.source.ip == pieces.header().source.ip && header.source.ip.empty() == header.destination.ip.empty());
  CHECK(header.source.port <= 65535 && header.destination.port <= 65535);
  CHECK(header.authority.find('\0') == std::string::npos && header.unique_id.size() <= 128);
  return 0;
}

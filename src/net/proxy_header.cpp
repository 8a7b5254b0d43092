// Version 1 is a line, version 2 a block whose length stands in its first 16 octets. The first octet tells which one it
// is. Nothing is decoded before the header is complete, but what cannot become a good one is refused as it comes: a
// client that is no proxy gets its answer after one octet.
#include "net/proxy_header.hpp"

#include "base/crc32c.hpp"
#include "net/ip_address.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>

namespace net {
namespace {

constexpr std::string_view kLineStart = "PROXY ";
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::ptrdiff_t kSpacesOfLine = 4;
constexpr std::size_t kFixedOctets = 16;  // signature, version and command, family, length
constexpr std::size_t kTlvHeadOctets = 3;
constexpr std::size_t kMaxUniqueIdOctets = 128;
constexpr std::size_t kUnixAddressOctets = 2 * 108;

// The types of TLVs.
constexpr unsigned char kAlpn = 0x01;
constexpr unsigned char kAuthority = 0x02;
constexpr unsigned char kCrc32c = 0x03;
constexpr unsigned char kUniqueId = 0x05;
constexpr unsigned char kSsl = 0x20;
constexpr unsigned char kSslVersion = 0x21;
constexpr unsigned char kSslCommonName = 0x22;
constexpr unsigned char kSslCipher = 0x23;
// Bits of the first octet of kSsl.
constexpr unsigned kClientSsl = 0x01;
constexpr unsigned kClientCertConnection = 0x02;
constexpr unsigned kClientCertSession = 0x04;

unsigned octet_at(std::string_view octets, std::size_t at) { return static_cast<unsigned char>(octets[at]); }

unsigned number16(std::string_view octets, std::size_t at) {
  return octet_at(octets, at) << 8 | octet_at(octets, at + 1);
}

std::uint32_t number32(std::string_view octets, std::size_t at) {
  return static_cast<std::uint32_t>(number16(octets, at)) << 16 | number16(octets, at + 2);
}

std::string printable_or_empty(std::string_view text) {
  const bool fine = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return fine ? std::string(text) : std::string();
}

/// A port of version 1: decimal, no sign, no leading zero.
std::optional<unsigned> port_number(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// An address of version 1, in the notation of its family.
std::optional<IpAddress> address_of_family(std::string_view text, bool v6) {
  if ((text.find(':') != std::string_view::npos) != v6) return std::nullopt;
  return IpAddress::parse(text);
}

/// Calls `use(type, value)` for each TLV; false when one reaches beyond the end, or `use` says so.
template <class Use>
bool for_each_tlv(std::string_view octets, Use use) {
  while (!octets.empty()) {
    if (octets.size() < kTlvHeadOctets) return false;
    const std::size_t length = number16(octets, 1);
    if (octets.size() - kTlvHeadOctets < length) return false;
    if (!use(static_cast<unsigned char>(octets[0]), octets.substr(kTlvHeadOctets, length))) return false;
    octets.remove_prefix(kTlvHeadOctets + length);
  }
  return true;
}

std::optional<ProxyTls> tls_of(std::string_view value) {
  constexpr std::size_t kHead = 5;
  if (value.size() < kHead) return std::nullopt;
  const unsigned client = octet_at(value, 0);
  ProxyTls out;
  out.active = (client & kClientSsl) != 0;
  out.certificate = (client & (kClientCertConnection | kClientCertSession)) != 0;
  // Zero also stands there when the client showed no certificate.
  out.verified = out.certificate && number32(value, 1) == 0;
  const bool good = for_each_tlv(value.substr(kHead), [&](unsigned char type, std::string_view text) {
    if (type == kSslVersion) out.version = printable_or_empty(text);
    if (type == kSslCommonName) out.common_name = printable_or_empty(text);
    if (type == kSslCipher) out.cipher = printable_or_empty(text);
    return true;
  });
  if (!good) return std::nullopt;
  return out;
}

/// The checksum of the whole header, with zeros in the place of the checksum itself.
bool checksum_is_right(std::string_view header, std::string_view value) {
  constexpr std::string_view kZeros("\0\0\0\0", 4);
  if (value.size() != kZeros.size()) return false;
  const auto at = static_cast<std::size_t>(value.data() - header.data());
  std::uint32_t crc = base::crc32c(header.substr(0, at));
  crc = base::crc32c(kZeros, crc);
  crc = base::crc32c(header.substr(at + kZeros.size()), crc);
  return crc == number32(value, 0);
}

}  // namespace

std::size_t ProxyHeaderParser::feed(std::string_view octets) {
  std::size_t used = 0;
  while (status_ == Status::incomplete && used < octets.size()) {
    const bool is_block = !octets_.empty() && octets_.front() == kSignature.front();
    if (is_block) {
      used += take_of_block(octets.substr(used));
    } else if (octets_.empty()) {
      take_first(octets[used++]);
    } else {
      take_of_line(octets[used++]);
    }
  }
  return used;
}

void ProxyHeaderParser::refuse(std::string_view complaint) {
  status_ = Status::refused;
  complaint_ = complaint;
  std::string().swap(octets_);
}

void ProxyHeaderParser::take_first(char octet) {
  octets_ += octet;
  if (octet != kLineStart.front() && octet != kSignature.front()) refuse("no PROXY header");
}

void ProxyHeaderParser::take_of_line(char octet) {
  const bool after_cr = octets_.back() == '\r';
  octets_ += octet;
  const std::size_t size = octets_.size();
  if (size <= kLineStart.size() && octet != kLineStart[size - 1]) return refuse("no PROXY header");
  if (after_cr != (octet == '\n')) return refuse("version 1: CR and LF do not stand together");
  if (after_cr) return read_line();
  if (size == kMaxLineOctets) refuse("version 1: line too long");
}

// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 110"
void ProxyHeaderParser::read_line() {
  const std::string line = octets_.substr(kLineStart.size(), octets_.size() - kLineStart.size() - 2);
  header_.version = 1;
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) {  // what follows means nothing
    status_ = Status::complete;
    std::string().swap(octets_);
    return;
  }
  std::array<std::string_view, 5> words;
  std::string_view rest = line;
  for (std::string_view& word : words) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (std::count(line.begin(), line.end(), ' ') != kSpacesOfLine) return refuse("version 1: not five words");
  const bool v6 = words[0] == "TCP6";
  if (!v6 && words[0] != "TCP4") return refuse("version 1: unknown protocol");
  const auto source = address_of_family(words[1], v6);
  const auto destination = address_of_family(words[2], v6);
  if (!source || !destination) return refuse("version 1: bad address");
  const auto source_port = port_number(words[3]);
  const auto destination_port = port_number(words[4]);
  if (!source_port || !destination_port) return refuse("version 1: bad port");
  header_.source = Endpoint{source->text(), *source_port};
  header_.destination = Endpoint{destination->text(), *destination_port};
  status_ = Status::complete;
  std::string().swap(octets_);
}

std::size_t ProxyHeaderParser::take_of_block(std::string_view octets) {
  if (octets_.size() < kFixedOctets) {
    octets_ += octets.front();
    const std::size_t size = octets_.size();
    if (size <= kSignature.size()) {
      if (octets.front() != kSignature[size - 1]) refuse("no PROXY header");
    } else if (size == kSignature.size() + 1) {
      const unsigned both = octet_at(octets_, size - 1);
      if (both >> 4 != 2) refuse("version 2: another version");
      if ((both & 0x0F) > 1) refuse("version 2: unknown command");
    } else if (size == kSignature.size() + 2) {
      const unsigned both = octet_at(octets_, size - 1);
      const bool is_local = (octet_at(octets_, size - 2) & 0x0F) == 0;  // then the family means nothing
      if (!is_local && (both >> 4 > 3 || (both & 0x0F) > 2)) refuse("version 2: unknown family or protocol");
    } else if (size == kFixedOctets && number16(octets_, size - 2) == 0) {
      read_block();
    }
    return 1;
  }
  const std::size_t whole = kFixedOctets + number16(octets_, kFixedOctets - 2);
  const std::size_t used = std::min(octets.size(), whole - octets_.size());
  octets_ += octets.substr(0, used);
  if (octets_.size() == whole) read_block();
  return used;
}

void ProxyHeaderParser::read_block() {
  const std::string_view whole = octets_;
  std::string_view rest = whole.substr(kFixedOctets);
  header_.version = 2;
  if ((octet_at(whole, kSignature.size()) & 0x0F) == 0) {  // LOCAL: what follows means nothing
    status_ = Status::complete;
    return;
  }
  const unsigned family = octet_at(whole, kSignature.size() + 1) >> 4;
  const bool is_stream = (octet_at(whole, kSignature.size() + 1) & 0x0F) == 1;
  const std::size_t address = family == 1 ? 4 : family == 2 ? 16 : 0;
  const std::size_t needed = family == 3 ? kUnixAddressOctets : address > 0 ? 2 * address + 4 : 0;
  if (rest.size() < needed) return refuse("version 2: shorter than its addresses");
  if (address > 0 && is_stream) {
    const auto* octets = reinterpret_cast<const unsigned char*>(rest.data());
    const auto source = address == 4 ? IpAddress::from_v4(octets) : IpAddress::from_v6(octets);
    const auto destination = address == 4 ? IpAddress::from_v4(octets + address) : IpAddress::from_v6(octets + address);
    header_.source = Endpoint{source.text(), number16(rest, 2 * address)};
    header_.destination = Endpoint{destination.text(), number16(rest, 2 * address + 2)};
  }
  rest.remove_prefix(needed);

  std::string_view trouble = "version 2: a TLV reaches beyond the end";
  const auto wrong = [&trouble](std::string_view text) {
    trouble = text;
    return false;
  };
  const bool good = for_each_tlv(rest, [&](unsigned char type, std::string_view value) {
    switch (type) {
      case kAlpn:
        header_.application = printable_or_empty(value);
        break;
      case kAuthority:
        header_.authority = printable_or_empty(value);
        break;
      case kCrc32c:
        if (!checksum_is_right(whole, value)) return wrong("version 2: wrong checksum");
        break;
      case kUniqueId:
        if (value.size() > kMaxUniqueIdOctets) return wrong("version 2: unique id too long");
        header_.unique_id = value;
        break;
      case kSsl:
        if (header_.tls) return wrong("version 2: TLS is told twice");
        header_.tls = tls_of(value);
        if (!header_.tls) return wrong("version 2: broken TLV of TLS");
        break;
      default:
        break;
    }
    return true;
  });
  if (!good) return refuse(trouble);
  status_ = Status::complete;
  std::string().swap(octets_);
}

}  // namespace net

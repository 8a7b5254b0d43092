#include "net/proxy_header.hpp"

#include "base/crc32c.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace net {
namespace {

using namespace std::string_literals;
using Status = ProxyHeaderParser::Status;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string number16(std::size_t value) {
  return {static_cast<char>(value >> 8 & 0xFF), static_cast<char>(value & 0xFF)};
}
std::string number32(std::uint32_t value) { return number16(value >> 16) + number16(value & 0xFFFF); }

std::string block(unsigned version_and_command, unsigned family, const std::string& content) {
  return kSignature + static_cast<char>(version_and_command) + static_cast<char>(family) + number16(content.size()) +
         content;
}
std::string tlv(unsigned type, const std::string& value) {
  return static_cast<char>(type) + number16(value.size()) + value;
}

const std::string kV4 = "\xC0\0\2\1\xC6\x33\x64\1"s + number16(56324) + number16(110);
const std::string kV6 = "\x20\1\x0d\xb8"s + std::string(11, '\0') + "\1" + "\x20\1\x0d\xb8"s + std::string(11, '\0') +
                        "\2" + number16(1) + number16(995);

std::string v4(const std::string& tlvs) { return block(0x21, 0x11, kV4 + tlvs); }

std::string ssl(unsigned client, std::uint32_t verify, const std::string& more) {
  return tlv(0x20, static_cast<char>(client) + number32(verify) + more);
}

/// With the checksum of the whole header in its place.
std::string with_checksum(const std::string& tlvs) {
  std::string header = v4(tlvs + tlv(0x03, std::string(4, '\0')));
  const auto crc = number32(base::crc32c(header));
  header.replace(header.size() - 4, 4, crc);
  return header;
}

/// The parser after all of `octets`, none of which may be left over.
ProxyHeaderParser parsed(const std::string& octets) {
  ProxyHeaderParser parser;
  const std::size_t used = parser.feed(octets);
  if (parser.status() != Status::refused) {
    EXPECT_EQ(used, octets.size());
  }
  return parser;
}

ProxyHeader good(const std::string& octets) {
  const auto parser = parsed(octets);
  EXPECT_EQ(parser.status(), Status::complete) << parser.complaint();
  return parser.header();
}

std::string shown(const ProxyHeader& header) {
  if (!header.has_addresses()) return "own";
  return header.source.ip + ";" + std::to_string(header.source.port) + " " + header.destination.ip + ";" +
         std::to_string(header.destination.port);
}

TEST(ProxyHeader, OfVersion1HasTheEndsOfTheClientsConnection) {
  EXPECT_EQ(shown(good("PROXY TCP4 192.0.2.1 198.51.100.1 56324 110\r\n")), "192.0.2.1;56324 198.51.100.1;110");
  EXPECT_EQ(shown(good("PROXY TCP6 2001:db8::1 2001:DB8::2 0 65535\r\n")), "2001:db8::1;0 2001:db8::2;65535");
  EXPECT_EQ(shown(good("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.1 1 2\r\n")), "192.0.2.1;1 198.51.100.1;2");
  EXPECT_EQ(good("PROXY UNKNOWN\r\n").version, 1U);
}

TEST(ProxyHeader, OfVersion1MayNotKnowTheEnds) {
  EXPECT_EQ(shown(good("PROXY UNKNOWN\r\n")), "own");
  EXPECT_EQ(shown(good("PROXY UNKNOWN \r\n")), "own");
  EXPECT_EQ(shown(good("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n")), "own");
  EXPECT_EQ(shown(good("PROXY UNKNOWN \x01 junk \xff\r\n")), "own");
}

TEST(ProxyHeader, OfVersion1IsOneLineOfAtMost107Octets) {
  const std::string start = "PROXY UNKNOWN ";
  EXPECT_EQ(shown(good(start + std::string(105 - start.size(), 'x') + "\r\n")), "own");
  EXPECT_EQ(parsed(start + std::string(106 - start.size(), 'x') + "\r\n").status(), Status::refused);
  EXPECT_EQ(parsed(start + std::string(200, 'x') + "\r\n").status(), Status::refused);
  ProxyHeaderParser endless;
  EXPECT_EQ(endless.feed(start + std::string(1000, 'x')), ProxyHeaderParser::kMaxLineOctets);
  EXPECT_EQ(endless.status(), Status::refused);
}

TEST(ProxyHeader, OfVersion1IsRefusedForOneMistake) {
  for (const std::string& line : {"PROXY \r\n"s,
                                  "PROXY TCP4\r\n"s,
                                  "PROXY TCP4 192.0.2.1\r\n"s,
                                  "PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n"s,
                                  "PROXY TCP4 192.0.2.1 198.51.100.1 56324 110 1\r\n"s,
                                  "PROXY TCP4 192.0.2.1 198.51.100.1 56324 110 \r\n"s,
                                  "PROXY TCP4  192.0.2.1 198.51.100.1 56324 110\r\n"s,
                                  "PROXY  TCP4 192.0.2.1 198.51.100.1 56324 110\r\n"s,
                                  "PROXY TCP4 192.0.2.1 198.51.100.1 65536 110\r\n"s,
                                  "PROXY TCP4 192.0.2.1 198.51.100.1 056324 110\r\n"s,
                                  "PROXY TCP4 192.0.2.1 198.51.100.1 00 110\r\n"s,
                                  "PROXY TCP4 192.0.2.1 198.51.100.1 -1 110\r\n"s,
                                  "PROXY TCP4 192.0.2.1 198.51.100.1 +1 110\r\n"s,
                                  "PROXY TCP4 192.0.2.1 198.51.100.1 1a 110\r\n"s,
                                  "PROXY TCP4 192.0.2.1 198.51.100.1 99999999999999999999 110\r\n"s,
                                  "PROXY TCP4 192.0.2.01 198.51.100.1 56324 110\r\n"s,
                                  "PROXY TCP4 192.0.2.256 198.51.100.1 56324 110\r\n"s,
                                  "PROXY TCP4 192.0.2 198.51.100.1 56324 110\r\n"s,
                                  "PROXY TCP4 2001:db8::1 2001:db8::2 56324 110\r\n"s,
                                  "PROXY TCP4 ::ffff:192.0.2.1 ::ffff:192.0.2.2 56324 110\r\n"s,
                                  "PROXY TCP6 192.0.2.1 198.51.100.1 56324 110\r\n"s,
                                  "PROXY TCP6 2001:db8::1 192.0.2.1 56324 110\r\n"s,
                                  "PROXY TCP6 fe80::1%eth0 fe80::2 56324 110\r\n"s,
                                  "PROXY UDP4 192.0.2.1 198.51.100.1 56324 110\r\n"s,
                                  "PROXY UNKNOWNX\r\n"s,
                                  "PROXY unknown\r\n"s,
                                  "PROXY tcp4 192.0.2.1 198.51.100.1 56324 110\r\n"s,
                                  "proxy TCP4 192.0.2.1 198.51.100.1 56324 110\r\n"s,
                                  "Proxy TCP4 192.0.2.1 198.51.100.1 56324 110\r\n"s,
                                  "PROXY TCP4 192.0.2.1\0 198.51.100.1 56324 110\r\n"s,
                                  "PROXY TCP4 192.0.2.1 198.51.100.1 56324 110\n"s,
                                  "PROXY TCP4 192.0.2.1 198.51.100.1 56324 110\r\r\n"s,
                                  "PROXY UNKNOWN\rX\r\n"s,
                                  "PROXY\tUNKNOWN\r\n"s,
                                  "USER alice\r\n"s,
                                  "PASS x\r\n"s,
                                  "\x16\x03\x01"s,
                                  "\r\n"s + "QUIT\r\n"}) {
    EXPECT_EQ(parsed(line).status(), Status::refused) << line;
  }
}

TEST(ProxyHeader, IsRefusedAtTheFirstOctetThatCannotBelongToOne) {
  ProxyHeaderParser user;
  EXPECT_EQ(user.feed("USER alice\r\n"), 1U);
  EXPECT_EQ(user.complaint(), "no PROXY header");
  ProxyHeaderParser pass;
  EXPECT_EQ(pass.feed("PASS x"), 2U);
  ProxyHeaderParser hello;
  EXPECT_EQ(hello.feed("\x16\x03\x01\x02\x00\x01"), 1U);
}

TEST(ProxyHeader, OfVersion2HasTheEndsOfTheClientsConnection) {
  EXPECT_EQ(shown(good(v4(""))), "192.0.2.1;56324 198.51.100.1;110");
  EXPECT_EQ(shown(good(block(0x21, 0x21, kV6))), "2001:db8::1;1 2001:db8::2;995");
  EXPECT_EQ(good(v4("")).version, 2U);
  const std::string mapped = std::string(10, '\0') + "\xff\xff\xC0" + "\0\2\1"s;
  EXPECT_EQ(shown(good(block(0x21, 0x21, mapped + mapped + number16(7) + number16(8)))), "192.0.2.1;7 192.0.2.1;8");
}

TEST(ProxyHeader, OfVersion2MayNotKnowTheEnds) {
  EXPECT_EQ(shown(good(block(0x20, 0x00, ""))), "own");                     // LOCAL
  EXPECT_EQ(shown(good(block(0x20, 0x11, kV4))), "own");                    // LOCAL says so whatever follows
  EXPECT_EQ(shown(good(block(0x20, 0xFF, "junk that is no TLV"))), "own");  // LOCAL
  EXPECT_EQ(shown(good(block(0x21, 0x00, ""))), "own");                     // AF_UNSPEC
  EXPECT_EQ(shown(good(block(0x21, 0x31, std::string(216, '/')))), "own");  // AF_UNIX
  EXPECT_EQ(shown(good(block(0x21, 0x12, kV4))), "own");                    // datagrams
  EXPECT_EQ(good(block(0x21, 0x00, tlv(0x02, "a.example"))).authority, "a.example");
}

TEST(ProxyHeader, OfVersion2IsRefusedForOneMistake) {
  for (const std::string& header :
       {block(0x11, 0x11, kV4), block(0x31, 0x11, kV4), block(0x01, 0x11, kV4), block(0x22, 0x11, kV4),
        block(0x2F, 0x11, kV4), block(0x21, 0x41, kV4), block(0x21, 0x13, kV4), block(0x21, 0xF1, kV4),
        block(0x21, 0x11, ""), block(0x21, 0x11, kV4.substr(1)), block(0x21, 0x21, kV4),
        block(0x21, 0x21, kV6.substr(1)), block(0x21, 0x31, std::string(215, '/')), "\r\n\r\n\0\r\nQUIT\r"s,
        "\r\n\r\nQUIT"s, "\r\n\r\n\0\r\nquit"s}) {
    EXPECT_EQ(parsed(header).status(), Status::refused);
  }
}

TEST(ProxyHeader, TellsOfTlsAtTheProxy) {
  const auto header =
      good(v4(tlv(0x01, "pop3") + tlv(0x02, "pop.example.org") + tlv(0x05, "id\0\xff"s) +
              ssl(0x07, 0, tlv(0x21, "TLSv1.3") + tlv(0x22, "alice") + tlv(0x23, "AES") + tlv(0x24, "x"))));
  ASSERT_TRUE(header.tls);
  EXPECT_TRUE(header.tls->active && header.tls->certificate && header.tls->verified);
  EXPECT_EQ(header.tls->version, "TLSv1.3");
  EXPECT_EQ(header.tls->common_name, "alice");
  EXPECT_EQ(header.tls->cipher, "AES");
  EXPECT_EQ(header.application, "pop3");
  EXPECT_EQ(header.authority, "pop.example.org");
  EXPECT_EQ(header.unique_id, "id\0\xff"s);
}

TEST(ProxyHeader, BelievesNoCertificateThatWasNotShownOrNotVerified) {
  EXPECT_FALSE(good(v4(ssl(0x01, 0, ""))).tls->verified);
  EXPECT_FALSE(good(v4(ssl(0x03, 1, ""))).tls->verified);
  EXPECT_FALSE(good(v4(ssl(0x03, 0x01000000, ""))).tls->verified);
  EXPECT_TRUE(good(v4(ssl(0x05, 0, ""))).tls->verified);
  EXPECT_FALSE(good(v4(ssl(0x00, 0, tlv(0x21, "TLSv1.3")))).tls->active);
  EXPECT_FALSE(good(v4("")).tls);
}

TEST(ProxyHeader, KeepsNoTextThatCouldMeanAnotherOne) {
  EXPECT_EQ(good(v4(tlv(0x02, "a\0b"s))).authority, "");
  EXPECT_EQ(good(v4(tlv(0x02, "a\r\nb"))).authority, "");
  EXPECT_EQ(good(v4(ssl(0x03, 0, tlv(0x22, "alice\0.evil"s)))).tls->common_name, "");
  EXPECT_EQ(good(v4(ssl(0x03, 0, tlv(0x22, "al\xC3\xA4")))).tls->common_name, "");
}

TEST(ProxyHeader, IsRefusedForATlvThatIsBroken) {
  for (const std::string& tlvs :
       {"\x01"s, "\x01\0"s, "\x01\0\1"s, "\x01\xff\xff"s, tlv(0x02, "a") + "\x02", tlv(0x05, std::string(129, 'x')),
        tlv(0x20, ""), tlv(0x20, "\1\0\0\0"s), ssl(1, 0, "\x21"), ssl(1, 0, "\x21\0\2x"s),
        ssl(1, 0, "\x21\xff\xff"s + "x"), ssl(1, 0, "") + ssl(1, 0, ""), tlv(0x03, ""), tlv(0x03, "abc"),
        tlv(0x03, "abcd"), tlv(0x03, "abcde")}) {
    EXPECT_EQ(parsed(v4(tlvs)).status(), Status::refused);
  }
}

TEST(ProxyHeader, IsCheckedWhereItHasAChecksum) {
  EXPECT_EQ(base::crc32c("123456789"), 0xE3069283U);
  const std::string header = with_checksum(tlv(0x02, "a.example") + ssl(1, 0, ""));
  EXPECT_EQ(good(header).authority, "a.example");
  const std::size_t its_type = header.size() - 7;  // changed, it is no checksum any more
  for (std::size_t octet = 16; octet < header.size(); ++octet) {
    if (octet == its_type) continue;
    std::string damaged = header;
    damaged[octet] = static_cast<char>(damaged[octet] ^ 1);
    EXPECT_EQ(parsed(damaged).status(), Status::refused) << octet;
  }
}

TEST(ProxyHeader, MayBeAsLongAsItsLengthCanSay) {
  std::string tlvs;
  for (int i = 0; i < 3000; ++i) tlvs += tlv(0xE0, std::string(static_cast<std::size_t>(i) % 17, 'x'));
  EXPECT_EQ(shown(good(v4(tlvs))), "192.0.2.1;56324 198.51.100.1;110");
  EXPECT_EQ(shown(good(v4(tlv(0x04, std::string(65535 - kV4.size() - 3, '\0'))))), "192.0.2.1;56324 198.51.100.1;110");
}

TEST(ProxyHeader, ComesInPiecesOfAnySizeAndLeavesWhatFollows) {
  const std::string behind = "\x16\x03\x01 what follows";
  for (const std::string& header : {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 110\r\n"s,
                                    with_checksum(ssl(1, 0, tlv(0x21, "TLSv1.3"))), block(0x20, 0x00, "")}) {
    for (std::size_t cut = 0; cut <= header.size(); ++cut) {
      ProxyHeaderParser parser;
      EXPECT_EQ(parser.feed(std::string_view(header).substr(0, cut)), cut);
      EXPECT_EQ(parser.status() == Status::complete, cut == header.size());
      EXPECT_EQ(parser.feed(header.substr(cut) + behind), header.size() - cut);
      EXPECT_EQ(parser.status(), Status::complete) << parser.complaint();
      EXPECT_EQ(parser.feed(behind), 0U);
    }
    ProxyHeaderParser single;
    for (const char octet : header) EXPECT_EQ(single.feed({&octet, 1}), 1U);
    EXPECT_EQ(single.status(), Status::complete);
  }
}

TEST(ProxyHeader, IsOnlyTheFirstOfTwo) {
  const std::string header = "PROXY UNKNOWN\r\n";
  ProxyHeaderParser parser;
  EXPECT_EQ(parser.feed(header + header), header.size());
}

}  // namespace
}  // namespace net

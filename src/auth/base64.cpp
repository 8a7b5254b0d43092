#include "auth/base64.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace auth {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> digit_values() {
  std::array<std::uint8_t, 256> values{};
  for (auto& value : values) value = kNoDigit;
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr auto kDigits = digit_values();

std::uint32_t octet(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }
char digit(std::uint32_t bits, unsigned shift) { return kAlphabet[(bits >> shift) & 0x3f]; }

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() / 3 + 1) * 4);
  std::size_t at = 0;
  for (; bytes.size() - at >= 3; at += 3) {
    const std::uint32_t bits = octet(bytes, at) << 16 | octet(bytes, at + 1) << 8 | octet(bytes, at + 2);
    text += {digit(bits, 18), digit(bits, 12), digit(bits, 6), digit(bits, 0)};
  }
  if (bytes.size() - at == 1) {
    const std::uint32_t bits = octet(bytes, at) << 16;
    text += {digit(bits, 18), digit(bits, 12), '=', '='};
  } else if (bytes.size() - at == 2) {
    const std::uint32_t bits = octet(bytes, at) << 16 | octet(bytes, at + 1) << 8;
    text += {digit(bits, 18), digit(bits, 12), digit(bits, 6), '='};
  }
  return text;
}

base::Result<base::Secret> base64_decode(std::string_view text) {
  const auto bad = [](const char* what) { return base::fail(base::Errc::invalid, what); };
  if (text.size() % 4 != 0) return bad("base64: incomplete group");
  std::size_t digits = text.size();
  while (digits > 0 && text.size() - digits < 2 && text[digits - 1] == '=') --digits;

  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);  // never moves, so no copy of a password stays behind
  std::uint32_t bits = 0;
  unsigned held = 0;
  bool good = true;
  for (const char c : text.substr(0, digits)) {
    const auto value = kDigits[static_cast<unsigned char>(c)];
    good = good && value != kNoDigit;
    bits = (bits << 6 | value) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>(bits >> held & 0xff);
    }
  }
  const bool clean = (bits & ((1U << held) - 1)) == 0;
  base::Secret decoded{bytes};
  base::wipe(bytes);
  if (!good) return bad("base64: byte outside the alphabet");
  if (!clean) return bad("base64: bits behind the last octet");
  return decoded;
}

}  // namespace auth

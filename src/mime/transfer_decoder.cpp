#include "mime/transfer_decoder.hpp"

#include "base/ascii.hpp"

#include <array>
#include <cstddef>

namespace mime {

namespace {

// Cyrus: a longer line is taken apart here, also in the middle of an `=XX`.
constexpr std::size_t kMaxLine = 998;

int hex_digit(char c) {
  if (base::ascii::is_digit(c)) return c - '0';
  const char lower = base::ascii::to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr signed char kNoDigit = -1;
constexpr signed char kPadding = -2;

constexpr std::array<signed char, 256> base64_digits() {
  std::array<signed char, 256> table{};
  for (auto& entry : table) entry = kNoDigit;
  const std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < digits.size(); ++i)
    table[static_cast<unsigned char>(digits[i])] = static_cast<signed char>(i);
  table['='] = kPadding;
  return table;
}

constexpr auto kBase64 = base64_digits();

void put(std::string& octets, unsigned value) { octets += static_cast<char>(static_cast<unsigned char>(value)); }

}  // namespace

void QuotedPrintableDecoder::decode(std::string_view encoded, std::string& octets) {
  for (const char c : encoded) {
    if (c == '\r') continue;
    if (c == '\n') {
      put_line(true, octets);
      continue;
    }
    line_ += c;
    if (line_.size() > kMaxLine) put_line(false, octets);
  }
}

void QuotedPrintableDecoder::flush(std::string& octets) { put_line(false, octets); }

void QuotedPrintableDecoder::put_line(bool ended, std::string& octets) {
  while (!line_.empty() && (line_.back() == ' ' || line_.back() == '\t')) line_.pop_back();
  for (std::size_t i = 0; i < line_.size(); ++i) {
    const char c = line_[i];
    if (c == '=') {
      if (i + 1 == line_.size()) {
        ended = false;  // a soft line break
        continue;
      }
      const int high = i + 2 < line_.size() ? hex_digit(line_[i + 1]) : -1;
      const int low = i + 2 < line_.size() ? hex_digit(line_[i + 2]) : -1;
      if (high >= 0 && low >= 0) {
        put(octets, static_cast<unsigned>(high << 4 | low));
        i += 2;
        continue;
      }
    }
    octets += c == '_' && in_header_ ? ' ' : c;
  }
  if (ended) octets += "\r\n";
  line_.clear();
}

void Base64Decoder::decode(std::string_view encoded, std::string& octets) {
  for (const char c : encoded) {
    const signed char digit = kBase64[static_cast<unsigned char>(c)];
    if (digit == kNoDigit) continue;
    if (digit == kPadding) {
      wanted_ = 0;
      continue;
    }
    const unsigned value = static_cast<unsigned char>(digit);
    switch (wanted_) {
      case 0:
        wanted_ = 3;
        break;
      case 3:
        put(octets, digit_ << 2 | value >> 4);
        wanted_ = 2;
        break;
      case 2:
        put(octets, digit_ << 4 | value >> 2);
        wanted_ = 1;
        break;
      default:
        put(octets, digit_ << 6 | value);
        wanted_ = 0;
        break;
    }
    digit_ = value;
  }
}

std::unique_ptr<TransferDecoder> body_decoder(Encoding encoding) {
  switch (encoding) {
    case Encoding::quoted_printable:
      return std::make_unique<QuotedPrintableDecoder>(false);
    case Encoding::base64:
      return std::make_unique<Base64Decoder>();
    case Encoding::none:
    case Encoding::unknown:
      break;
  }
  return nullptr;
}

}  // namespace mime

#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace mime {

/// How the octets of a body are written (RFC 2045 s6). `none` is 7bit, 8bit and binary.
enum class Encoding { none, quoted_printable, base64, unknown };

/// Undoes a content transfer encoding, piece by piece. Never fails: what is not of the encoding is let through
/// (quoted-printable) or left out (base64), as in Cyrus.
class TransferDecoder {
 public:
  virtual ~TransferDecoder() = default;
  virtual void decode(std::string_view encoded, std::string& octets) = 0;
  /// The end of the body, or of one encoded word.
  virtual void flush(std::string& octets) = 0;
};

/// RFC 2045 s6.7; with `in_header` the "Q" of RFC 2047 s4.2, where `_` is a blank.
class QuotedPrintableDecoder final : public TransferDecoder {
 public:
  explicit QuotedPrintableDecoder(bool in_header) : in_header_(in_header) {}
  void decode(std::string_view encoded, std::string& octets) override;
  void flush(std::string& octets) override;

 private:
  void put_line(bool ended, std::string& octets);

  bool in_header_;
  std::string line_;
};

/// RFC 2045 s6.8, and the "B" of RFC 2047 s4.1.
class Base64Decoder final : public TransferDecoder {
 public:
  void decode(std::string_view encoded, std::string& octets) override;
  void flush(std::string&) override {}

 private:
  int wanted_ = 0;  // digits that the group still needs, 0 before its first
  unsigned digit_ = 0;
};

/// The decoder of a body, null if there is nothing to undo or no way to undo it.
std::unique_ptr<TransferDecoder> body_decoder(Encoding encoding);

}  // namespace mime

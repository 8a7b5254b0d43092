#include "mime/encoded_word.hpp"

#include "base/ascii.hpp"
#include "mime/charset.hpp"
#include "mime/transfer_decoder.hpp"
#include "mime/utf8.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace mime {

namespace {

/// An encoded word in a text: `=?charset*language?encoding?encoded?=`.
struct EncodedWord {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string_view charset;
  Encoding encoding = Encoding::none;
  std::string_view encoded;
};

char at(std::string_view text, std::size_t i) { return i < text.size() ? text[i] : '\0'; }

/// The first word at or after `from`. What looks like the beginning of one is looked at again from where it went wrong.
std::optional<EncodedWord> find_word(std::string_view text, std::size_t from) {
  std::size_t start = from;
  while ((start = text.find('=', start)) != std::string_view::npos) {
    ++start;
    if (at(text, start) != '?') continue;
    const std::size_t charset_end = text.find_first_of("=?", start + 1);
    if (charset_end == std::string_view::npos || text[charset_end] != '?') {
      start = charset_end == std::string_view::npos ? text.size() : charset_end;
      continue;
    }
    const char encoding = base::ascii::to_lower(at(text, charset_end + 1));
    if ((encoding != 'b' && encoding != 'q') || at(text, charset_end + 2) != '?') {
      start = charset_end;
      continue;
    }
    const std::size_t encoded = charset_end + 3;
    std::size_t end = encoded;
    while (end < text.size() && text[end] != '?') {
      if (text[end] == '=' && at(text, end + 1) == '?' && at(text, end + 2) != '=') break;
      ++end;
    }
    if (at(text, end) != '?' || at(text, end + 1) != '=') {
      start = end;
      continue;
    }
    EncodedWord word;
    word.begin = start - 1;
    word.end = end + 2;
    word.charset = text.substr(start + 1, charset_end - start - 1);
    word.charset = word.charset.substr(0, word.charset.find('*'));
    word.encoding = encoding == 'q' ? Encoding::quoted_printable : Encoding::base64;
    word.encoded = text.substr(encoded, end - encoded);
    return word;
  }
  return std::nullopt;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Without the line ends of folds.
std::string without_folds(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && at(text, i + 1) == '\n' && is_blank(at(text, i + 2))) {
      ++i;
    } else {
      result += text[i];
    }
  }
  return result;
}

bool is_space(std::string_view text) {
  for (const char c : text) {
    if (!base::ascii::is_space(c)) return false;
  }
  return true;
}

/// Puts words and the text between them together.
class Decoder {
 public:
  void add_text(std::string_view text) {
    charset_.reset();
    plain_->decode(without_folds(text), utf8_);
  }

  void add_word(const EncodedWord& word) {
    auto charset = Charset::find(word.charset);
    if (!charset) {
      append_utf8(utf8_, kReplacement);
      charset_.reset();
      return;
    }
    if (!charset_ || charset_->canonical_name() != charset->canonical_name() || encoding_ != word.encoding) {
      charset_ = std::move(charset);
      encoding_ = word.encoding;
      if (encoding_ == Encoding::quoted_printable) {
        transfer_ = std::make_unique<QuotedPrintableDecoder>(true);
      } else {
        transfer_ = std::make_unique<Base64Decoder>();
      }
    }
    std::string octets;
    transfer_->decode(word.encoded, octets);
    transfer_->flush(octets);
    charset_->decode(octets, utf8_);
    charset_->flush(utf8_);
  }

  std::string take() { return std::move(utf8_); }

 private:
  std::string utf8_;
  std::unique_ptr<Charset> plain_ = Charset::ascii();
  std::unique_ptr<Charset> charset_;  // that of the word before, null after other text
  Encoding encoding_ = Encoding::none;
  std::unique_ptr<TransferDecoder> transfer_;
};

}  // namespace

std::string decode_encoded_words(std::string_view text) {
  Decoder decoder;
  std::size_t done = 0;
  bool after_word = false;
  while (const auto word = find_word(text, done)) {
    const std::string_view between = text.substr(done, word->begin - done);
    if (!after_word || !is_space(between)) decoder.add_text(between);
    decoder.add_word(*word);
    done = word->end;
    after_word = true;
  }
  decoder.add_text(text.substr(done));
  std::string utf8 = decoder.take();
  if (const std::size_t nul = utf8.find('\0'); nul != std::string::npos) utf8.resize(nul);
  return utf8;
}

std::string encode_word(std::string_view utf8) {
  constexpr std::size_t kMaxLine = 72;
  static constexpr char kDigits[] = "0123456789ABCDEF";
  static constexpr std::string_view kBegin = "=?UTF-8?Q?";
  std::string text(kBegin);
  std::size_t column = kBegin.size();
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    // A character is not divided between words (RFC 2047 s5).
    const std::size_t wanted = byte < 0xC0 || byte >= 0xF8 ? 0 : byte < 0xE0 ? 3 : byte < 0xF0 ? 6 : 9;
    if (column + wanted >= kMaxLine) {
      text += "?=\r\n ";
      text += kBegin;
      column = kBegin.size() + 1;
    }
    if (byte > ' ' && byte < 0x7F && c != '=' && c != '?' && c != '_') {
      text += c;
      ++column;
    } else if (c == ' ') {
      text += '_';
      ++column;
    } else {
      text += '=';
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
      column += 3;
    }
  }
  return text + "?=";
}

}  // namespace mime

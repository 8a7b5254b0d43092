#include "mime/utf8.hpp"

namespace mime {

void append_utf8(std::string& utf8, char32_t character) {
  if ((character >= 0xD800 && character <= 0xDFFF) || character > 0x10FFFF) character = kReplacement;
  const auto put = [&utf8](char32_t byte) { utf8 += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (character < 0x80) {
    put(character);
  } else if (character < 0x800) {
    put(0xC0 | character >> 6);
    put(0x80 | (character & 0x3F));
  } else if (character < 0x10000) {
    put(0xE0 | character >> 12);
    put(0x80 | (character >> 6 & 0x3F));
    put(0x80 | (character & 0x3F));
  } else {
    put(0xF0 | character >> 18);
    put(0x80 | (character >> 12 & 0x3F));
    put(0x80 | (character >> 6 & 0x3F));
    put(0x80 | (character & 0x3F));
  }
}

void Utf8Checker::add(unsigned char byte, std::string& utf8) {
  if ((byte & 0xC0) == 0x80) {
    if (left_ == 0) {
      append_utf8(utf8, kReplacement);
      return;
    }
    character_ = character_ << 6 | (byte & 0x3F);
    if (--left_ == 0) append_utf8(utf8, character_);
    return;
  }
  // A sequence that is not finished is one bad character; of a byte that can begin none, Cyrus reports that byte only.
  const bool unfinished = left_ != 0;
  left_ = 0;
  if (byte >= 0xF8) {
    append_utf8(utf8, kReplacement);
    return;
  }
  if (unfinished) append_utf8(utf8, kReplacement);
  if (byte < 0x80) {
    append_utf8(utf8, byte);
  } else if (byte == 0xC0 || byte == 0xC1 || byte >= 0xF5) {
    append_utf8(utf8, kReplacement);
  } else if (byte < 0xE0) {
    left_ = 1;
    character_ = byte & 0x1F;
  } else if (byte < 0xF0) {
    left_ = 2;
    character_ = byte & 0x0F;
  } else {
    left_ = 3;
    character_ = byte & 0x07;
  }
}

}  // namespace mime

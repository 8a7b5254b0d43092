#pragma once

#include <string>

namespace mime {

inline constexpr char32_t kReplacement = 0xFFFD;

/// Appends the character; one that Unicode does not have becomes U+FFFD.
void append_utf8(std::string& utf8, char32_t character);

/// Lets UTF-8 through and puts U+FFFD where it is none, just where Cyrus puts it.
class Utf8Checker {
 public:
  void add(unsigned char byte, std::string& utf8);

 private:
  int left_ = 0;  // bytes that the sequence still needs
  char32_t character_ = 0;
};

}  // namespace mime

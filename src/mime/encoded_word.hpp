#pragma once

#include <string>
#include <string_view>

namespace mime {

/// The text of a header value as UTF-8, unfolded, its encoded words (RFC 2047) decoded.
///
/// Blanks between two encoded words vanish (RFC 2047 s6.2). A word of an unknown charset is one U+FFFD, so is each
/// octet that is not ASCII outside of words. Cyrus: a character may begin in one word and end in the next; a NUL that a
/// word encodes ends the text.
std::string decode_encoded_words(std::string_view text);

/// Text as encoded words of UTF-8 in the "Q" encoding, folded between words.
std::string encode_word(std::string_view utf8);

}  // namespace mime

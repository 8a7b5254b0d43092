#pragma once

#include <cstddef>
#include <string_view>

namespace mime {

/// Goes through the value of a structured field from left to right.
class FieldScanner {
 public:
  explicit FieldScanner(std::string_view value) : value_(value) {}

  bool at_end() const { return at_ == value_.size(); }
  /// The character here, or NUL at the end.
  char peek(std::size_t ahead = 0) const { return at_ + ahead < value_.size() ? value_[at_ + ahead] : '\0'; }
  /// The same, and goes past it.
  char take() { return at_end() ? '\0' : value_[at_++]; }
  void skip(std::size_t count) { at_ = count < value_.size() - at_ ? at_ + count : value_.size(); }
  void skip_all() { at_ = value_.size(); }
  std::size_t position() const { return at_; }
  void go_to(std::size_t position) { at_ = position; }
  std::string_view since(std::size_t position) const { return value_.substr(position, at_ - position); }

  /// Goes past white space, folds and comments, which nest (RFC 5322 s3.2.2). False at the end of the value, which is
  /// also where an unfinished comment leads.
  bool skip_space();

  /// Goes past a token that ends before white space, a comment, `delimiter` or the end. False, and stays where it is
  /// wrong, if another special or control character is in it (RFC 2045 s5.1).
  bool skip_token(char delimiter);

  /// Goes past the next semicolon, or to the next fold or the end if none comes before.
  void skip_past_semicolon();

 private:
  std::string_view value_;
  std::size_t at_ = 0;
};

/// Whether `c` is one of the tspecials of RFC 2045 s5.1.
bool is_mime_special(char c);

}  // namespace mime

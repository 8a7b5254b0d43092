#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The MIME fields that have a syntax (RFC 2045 s5, s6; RFC 2183; RFC 2231; RFC 3282), read as leniently as Cyrus reads
/// them. Each function takes a field's value with its folds and answers nothing for one that says nothing usable.
namespace mime {

/// A parameter of a Content-Type or Content-Disposition. The attribute is in upper case; a value that RFC 2231 has
/// split is joined, but stays encoded, and its attribute then ends in `*`.
struct Parameter {
  std::string attribute;
  std::string value;

  bool operator==(const Parameter&) const = default;
};

/// Parameters beyond this number are not seen.
inline constexpr std::size_t kMaxParameters = 1000;

struct ContentType {
  std::string type;     ///< Upper case.
  std::string subtype;  ///< Upper case.
  std::vector<Parameter> parameters;
};

struct Disposition {
  std::string kind;  ///< Upper case.
  std::vector<Parameter> parameters;
};

/// Cyrus: a Content-Type that is one encoded word, as old mail programs of Apple write it, is decoded first; what is
/// not ASCII in its parameters is then encoded again.
std::optional<ContentType> parse_content_type(std::string_view value);
std::optional<Disposition> parse_disposition(std::string_view value);

/// The encoding of a Content-Transfer-Encoding, in upper case.
std::optional<std::string> parse_encoding(std::string_view value);

/// The tags of a Content-Language, in upper case, up to the first that is none.
std::vector<std::string> parse_language(std::string_view value);

}  // namespace mime

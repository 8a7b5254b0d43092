#include "mime/structured_field.hpp"

#include "base/ascii.hpp"
#include "mime/encoded_word.hpp"
#include "mime/field_scanner.hpp"
#include "mime/parameter_list.hpp"

#include <algorithm>

namespace mime {

namespace {

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = base::ascii::to_upper(c);
  return result;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::optional<ContentType> scan_content_type(std::string_view value) {
  FieldScanner in(value);
  ContentType content;
  if (!in.skip_space()) return std::nullopt;
  std::size_t start = in.position();
  if (!in.skip_token('/')) return std::nullopt;
  content.type = upper(in.since(start));
  if (!in.skip_space() || in.take() != '/' || !in.skip_space()) return std::nullopt;
  start = in.position();
  if (!in.skip_token(';')) return std::nullopt;
  content.subtype = upper(in.since(start));
  if (in.skip_space()) {
    if (in.take() != ';') return std::nullopt;
    content.parameters = parse_parameters(in);
  }
  return content;
}

}  // namespace

std::optional<ContentType> parse_content_type(std::string_view value) {
  FieldScanner blank(value);
  if (!blank.skip_space()) return std::nullopt;
  const std::string_view text = value.substr(blank.position());
  if (!text.starts_with("=?") || text.size() == 2) return scan_content_type(text);
  auto content = scan_content_type(decode_encoded_words(text));
  if (!content) return std::nullopt;
  for (Parameter& parameter : content->parameters) {
    if (!parameter.attribute.empty() && !parameter.attribute.ends_with('*') && !is_ascii(parameter.value)) {
      parameter.value = encode_word(parameter.value);
    }
  }
  return content;
}

std::optional<Disposition> parse_disposition(std::string_view value) {
  FieldScanner in(value);
  Disposition disposition;
  if (!in.skip_space()) return std::nullopt;
  const std::size_t start = in.position();
  if (!in.skip_token(';')) return std::nullopt;
  disposition.kind = upper(in.since(start));
  if (in.skip_space()) {
    if (in.take() != ';') return std::nullopt;
    disposition.parameters = parse_parameters(in);
  }
  return disposition;
}

std::optional<std::string> parse_encoding(std::string_view value) {
  FieldScanner in(value);
  if (!in.skip_space()) return std::nullopt;
  const std::size_t start = in.position();
  if (!in.skip_token('(')) return std::nullopt;
  std::string encoding = upper(in.since(start));
  if (in.skip_space()) return std::nullopt;
  return encoding;
}

std::vector<std::string> parse_language(std::string_view value) {
  FieldScanner in(value);
  std::vector<std::string> tags;
  while (in.skip_space() && tags.size() < kMaxParameters) {
    const std::size_t start = in.position();
    while (in.peek() == '-' || base::ascii::is_alpha(in.peek())) in.skip(1);
    if (!in.at_end() && !base::ascii::is_space(in.peek()) && in.peek() != ',' && in.peek() != '(') break;
    const std::string_view tag = in.since(start);
    if (in.skip_space() && in.take() != ',') break;
    tags.push_back(upper(tag));
  }
  return tags;
}

}  // namespace mime

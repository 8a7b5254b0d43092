#include "mime/parameter_list.hpp"

#include "base/ascii.hpp"
#include "mime/charset.hpp"

#include <deque>
#include <unordered_map>
#include <utility>

namespace mime {

namespace {

constexpr int kMaxSections = 100;  // Cyrus: sections from *100 on are not joined.

bool is_fold(const FieldScanner& in) { return in.peek(1) == '\n' && (in.peek(2) == ' ' || in.peek(2) == '\t'); }

/// The text between the quotes, of which the first is here. Nothing, and at the end, if the second is missing.
std::optional<std::string> parse_quoted(FieldScanner& in) {
  std::string text;
  in.skip(1);
  while (!in.at_end() && in.peek() != '"') {
    const bool quoted = in.peek() == '\\';
    if (quoted) in.skip(1);
    if (in.peek() == '\r' && !quoted) {
      if (!is_fold(in)) break;
      in.skip(2);
    }
    if (in.at_end()) break;
    text += in.take();
  }
  if (in.take() == '"') return text;
  in.skip_all();
  return std::nullopt;
}

/// A value without quotes. Cyrus: all up to a semicolon or a comment, blanks and specials within included; the
/// semicolon right behind the `=` is the value, so that an empty one spoils the parameter after it.
std::optional<std::string> parse_unquoted(FieldScanner& in) {
  const std::size_t start = in.position();
  std::size_t end = start + 1;
  while (!in.at_end() && in.peek() != ';' && in.peek() != '(') {
    const char c = in.peek();
    if (c == '\r') {
      if (!is_fold(in)) break;
      in.skip(2);
      continue;
    }
    if (static_cast<unsigned char>(c) < ' ' && c != '\t') return std::nullopt;
    in.skip(1);
    if (c != ' ' && c != '\t') end = in.position();
  }
  in.go_to(end);
  return std::string(in.since(start));
}

std::optional<Parameter> parse_parameter(FieldScanner& in) {
  Parameter parameter;
  const std::size_t start = in.position();
  if (!in.skip_token('=')) return std::nullopt;
  parameter.attribute = in.since(start);
  for (char& c : parameter.attribute) c = base::ascii::to_upper(c);
  if (!in.skip_space() || in.take() != '=' || !in.skip_space()) return std::nullopt;
  auto value = in.peek() == '"' ? parse_quoted(in) : parse_unquoted(in);
  if (!value) return std::nullopt;
  parameter.value = std::move(*value);
  if (in.skip_space() && in.take() != ';') return std::nullopt;
  return parameter;
}

/// `ATTRIBUTE*12*` taken apart. `section` is -1 if it has none.
struct SplitAttribute {
  std::string_view name;
  int section = -1;
  bool extended = false;
};

SplitAttribute split(std::string_view attribute) {
  SplitAttribute result;
  const std::size_t star = attribute.find('*');
  if (star == std::string_view::npos) return result;
  result.name = attribute.substr(0, star);
  std::string_view section = attribute.substr(star + 1);
  result.extended = section.ends_with('*');
  if (result.extended) section.remove_suffix(1);
  if (section.empty() || section.size() > 2 || (section.size() == 2 && section[0] == '0')) return result;
  int number = 0;
  for (const char c : section) {
    if (!base::ascii::is_digit(c)) return result;
    number = 10 * number + (c - '0');
  }
  result.section = number;
  return result;
}

void append_percent_encoded(std::string& to, std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 0x7f && c != '*' && c != '\'' && c != '%' && !is_mime_special(c)) {
      to += c;
    } else {
      to += '%';
      to += kDigits[byte >> 4];
      to += kDigits[byte & 15];
    }
  }
}

/// Joins the sections of RFC 2231 s3: `A*0`, `A*1*` ... become one `A` or, if one of them is extended, one `A*`.
void join_sections(std::vector<Parameter>& parameters) {
  std::unordered_map<std::string, std::deque<std::size_t>> sections;  // "NAME*1" -> where, in order
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const SplitAttribute attribute = split(parameters[i].attribute);
    if (attribute.section > 0) {
      sections[std::string(attribute.name) + '*' + std::to_string(attribute.section)].push_back(i);
    }
  }
  std::vector<bool> joined(parameters.size(), false);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    SplitAttribute first = split(parameters[i].attribute);
    if (joined[i] || first.section != 0) continue;
    const std::string name(first.name);
    std::string value = std::move(parameters[i].value);
    for (int section = 1; section < kMaxSections; ++section) {
      const auto found = sections.find(name + '*' + std::to_string(section));
      if (found == sections.end() || found->second.empty()) break;
      const std::size_t next = found->second.front();
      found->second.pop_front();
      joined[next] = true;
      const bool extended = split(parameters[next].attribute).extended;
      if (extended && !first.extended) {
        // What came before was plain: from here on it is of no charset and no language.
        std::string encoded = "''";
        append_percent_encoded(encoded, value);
        value = std::move(encoded);
        first.extended = true;
      }
      if (first.extended && !extended) {
        append_percent_encoded(value, parameters[next].value);
      } else {
        value += parameters[next].value;
      }
    }
    parameters[i] = {name + (first.extended ? "*" : ""), std::move(value)};
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (joined[i]) continue;
    if (kept != i) parameters[kept] = std::move(parameters[i]);
    ++kept;
  }
  parameters.resize(kept);
}

int hex_digit(char c) {
  if (base::ascii::is_digit(c)) return c - '0';
  const char lower = base::ascii::to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

std::vector<Parameter> parse_parameters(FieldScanner& in) {
  std::vector<Parameter> parameters;
  while (in.skip_space() && parameters.size() < kMaxParameters) {
    if (auto parameter = parse_parameter(in)) {
      parameters.push_back(std::move(*parameter));
    } else {
      in.skip_past_semicolon();
    }
  }
  join_sections(parameters);
  return parameters;
}

std::optional<std::string> decode_extended_value(std::string_view value) {
  const std::size_t language = value.find('\'');
  if (language == std::string_view::npos) return std::nullopt;
  const std::size_t text = value.find('\'', language + 1);
  if (text == std::string_view::npos) return std::nullopt;
  const auto charset = Charset::find(value.substr(0, language));
  if (!charset) return std::nullopt;
  std::string bytes;
  for (std::size_t i = text + 1; i < value.size(); ++i) {
    if (value[i] != '%') {
      bytes += value[i];
      continue;
    }
    if (value.size() - i < 3) return std::nullopt;
    const int high = hex_digit(value[i + 1]);
    const int low = hex_digit(value[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
    i += 2;
  }
  std::string decoded;
  charset->decode(bytes, decoded);
  charset->flush(decoded);
  return decoded;
}

}  // namespace mime

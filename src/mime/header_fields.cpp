#include "mime/header_fields.hpp"

#include "base/ascii.hpp"

namespace mime {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

bool HeaderField::is(std::string_view lower_case_name) const {
  return base::ascii::equal_ignoring_case(name, lower_case_name);
}

std::optional<HeaderField> HeaderFields::next() {
  while (!rest_.empty()) {
    if (max_lines_ != 0 && line_ > max_lines_) return std::nullopt;

    // The field ends with the first line end that no blank follows. A continuation line at the very start belongs to
    // no field, and has none in it.
    const bool continuation = is_blank(rest_.front());
    std::size_t end = 0;
    do {
      const std::size_t line_end = rest_.find('\n', end);
      end = line_end == std::string_view::npos ? rest_.size() : line_end + 1;
      ++line_;
    } while (end < rest_.size() && is_blank(rest_[end]));

    std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);

    const std::size_t colon = text.find_first_of(":\r\n");
    if (continuation || colon == std::string_view::npos || text[colon] != ':') continue;
    return HeaderField{text.substr(0, colon), text.substr(colon + 1), text};
  }
  return std::nullopt;
}

std::string unfolded(std::string_view value) {
  while (!value.empty() && is_blank(value.front())) value.remove_prefix(1);
  std::string text;
  text.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\n') {
      if (!text.empty() && text.back() == '\r') text.pop_back();
      continue;
    }
    text += value[i];
  }
  return text;
}

}  // namespace mime

#include "mime/address_list.hpp"

#include "base/ascii.hpp"

#include <utility>

namespace mime {

namespace {

using base::ascii::is_alnum;
using base::ascii::is_space;

/// Reads a list from left to right. Each part of an address ends with a character that says what comes next; NUL stands
/// for the end of the text.
class AddressParser {
 public:
  explicit AddressParser(std::string_view text) : text_(text) {}

  AddressList parse() {
    char end = ' ';
    while (end != '\0' && list_.size() < kMaxAddresses) {
      std::string phrase;
      end = parse_phrase(phrase, in_group_ ? ",@<;" : ",@<:");
      if (end == ':') {
        add({}, {}, std::move(phrase), std::nullopt);
        in_group_ = true;
      } else if (end == '@') {
        std::optional<std::string> comment;
        std::string domain;
        end = parse_domain(domain, &comment);
        add(std::move(comment), {}, std::move(phrase), std::move(domain));
        if (end == ';') end_group();
      } else if (end == '<') {
        end = parse_angle(std::move(phrase));
      } else {
        if (!phrase.empty()) add({}, {}, std::move(phrase), "");
        if (end == ';') end_group();
      }
    }
    if (in_group_) end_group();
    return std::move(list_);
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  char take() { return at_ < text_.size() ? text_[at_++] : '\0'; }

  /// Goes past white space and comments; an unfinished comment leads to the end.
  void skip_space() {
    int level = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (level == 0 && c != '(' && !is_space(c)) return;
      if (c == '(') ++level;
      if (c == ')' && level > 0) --level;
      if (c == '\\' && level > 0 && at_ + 1 < text_.size()) ++at_;
    }
  }

  /// Atoms and quoted strings up to one of `ends`, white space and comments in between as one blank.
  char parse_phrase(std::string& phrase, std::string_view ends) {
    skip_space();
    for (;;) {
      const char c = take();
      if (c == '"') {
        if (!parse_quoted(phrase)) {
          phrase.clear();
          at_ = text_.size();
          return '\0';
        }
      } else if (is_space(c) || c == '(') {
        --at_;
        skip_space();
        phrase += ' ';
      } else if (c == '\0' || ends.find(c) != std::string_view::npos) {
        if (phrase.ends_with(' ')) phrase.pop_back();
        return c;
      } else {
        phrase += c;
      }
    }
  }

  bool parse_quoted(std::string& phrase) {
    while (at_ < text_.size()) {
      char c = take();
      if (c == '\\' && text_.substr(at_).starts_with("\r\n")) c = take();  // a fold does not follow a backslash
      if (c == '\r' && peek() == '\n') {
        ++at_;
        if (peek() != ' ' && peek() != '\t') return false;
        continue;
      }
      if (c == '\r' || c == '\n') {
        c = ' ';
      } else if (base::ascii::is_control(c) && c != '\t') {
        continue;
      }
      if (c == '"') return true;
      if (c == '\\') {
        if (at_ == text_.size()) return false;
        c = take();
      }
      phrase += c;
    }
    return false;
  }

  /// A domain up to the first character that cannot be in one. A comment at its end is the address's name.
  char parse_domain(std::string& domain, std::optional<std::string>* comment) {
    skip_space();
    for (;;) {
      const char c = take();
      if (is_alnum(c) || c == '-' || c == '[' || c == ']' || c == ':' || c == '@') {
        domain += c;
        if (comment != nullptr) comment->reset();
      } else if (c == '.') {
        if (!domain.empty() && domain.back() != '.') domain += c;
        if (comment != nullptr) comment->reset();
      } else if (c == '(') {
        if (comment != nullptr) {
          *comment = parse_comment();
        } else {
          --at_;
          skip_space();
        }
      } else if (!is_space(c)) {
        if (domain.ends_with('.')) domain.pop_back();
        return c;
      }
    }
  }

  std::string parse_comment() {
    std::string comment;
    int level = 1;
    while (at_ < text_.size()) {
      char c = take();
      if (c == '(') {
        ++level;
      } else if (c == ')') {
        if (--level == 0) break;
      } else if (c == '\\') {
        if (at_ == text_.size()) break;
        c = take();
      }
      comment += c;
    }
    return comment;
  }

  /// A source route, `@one,@two`, which a colon should end (RFC 5322 s4.4).
  char parse_route(std::string& route) {
    skip_space();
    for (;;) {
      const char c = take();
      if (is_alnum(c) || c == '-' || c == '[' || c == ']' || c == ',' || c == '@') {
        route += c;
      } else if (c == '.') {
        if (!route.empty() && route.back() != '.') route += c;
      } else if (is_space(c) || c == '(') {
        --at_;
        skip_space();
      } else {
        while (!route.empty() && (route.back() == '.' || route.back() == ',' || route.back() == '@')) route.pop_back();
        return c;
      }
    }
  }

  /// What is between angle brackets, the first of which has been read.
  char parse_angle(std::string name) {
    std::string mailbox;
    char end = parse_phrase(mailbox, "@>");
    if (end != '@') {
      add(std::move(name), {}, std::move(mailbox), "");
      return end;
    }
    std::string route;
    if (mailbox.empty()) {
      --at_;
      end = parse_route(route);
      if (end != ':') {
        add(std::move(name), std::move(route), "", "");
        return skip_to_bracket(end);
      }
      end = parse_phrase(mailbox, "@>");
      if (end != '@') {
        add(std::move(name), std::move(route), std::move(mailbox), "");
        return end;
      }
    }
    std::string domain;
    end = parse_domain(domain, nullptr);
    add(std::move(name), std::move(route), std::move(mailbox), std::move(domain));
    return skip_to_bracket(end);
  }

  char skip_to_bracket(char end) {
    while (end != '\0' && end != '>') end = take();
    return end;
  }

  void add(std::optional<std::string> name, std::optional<std::string> route, std::optional<std::string> mailbox,
           std::optional<std::string> domain) {
    if (name && name->empty()) name.reset();
    if (route && route->empty()) route.reset();
    if (domain && domain->empty()) domain = "unspecified-domain";
    list_.push_back({std::move(name), std::move(route), std::move(mailbox), std::move(domain)});
  }

  void end_group() {
    list_.emplace_back();
    in_group_ = false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool in_group_ = false;
  AddressList list_;
};

}  // namespace

AddressList parse_address_list(std::string_view value) { return AddressParser(value).parse(); }

}  // namespace mime

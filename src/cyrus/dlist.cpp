#include "cyrus/dlist.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace cyrus {
namespace {

// Recursive descent over one text. Every function either moves at_ forward or fails, so the work is bounded by the
// length of the text, the stack by kMaxDlistDepth.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  base::Result<Dlist> whole() {
    auto item = this->item(0);
    if (item && at_ != text_.size()) return refuse("text behind the end");
    return item;
  }

 private:
  bool at_end() const { return at_ == text_.size(); }
  bool next_is(char c) const { return !at_end() && text_[at_] == c; }
  bool take(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }

  tl::unexpected<base::Error> refuse(std::string_view why) const {
    return base::fail(base::Errc::corrupt, "dlist: " + std::string(why) + " at octet " + std::to_string(at_));
  }

  base::Result<Dlist> item(int depth) {
    if (depth > kMaxDlistDepth) return refuse("lists too deep");
    if (take("%(")) return members(Dlist::Kind::fields, depth);
    if (take("(")) return members(Dlist::Kind::list, depth);
    const bool bare = !next_is('"') && !next_is('{');
    auto text = string();
    if (!text) return tl::unexpected(std::move(text.error()));
    Dlist item;
    // Only the bare word: "NIL" in quotes is a string of three letters.
    if (bare && *text == "NIL") return item;
    item.kind = Dlist::Kind::string;
    item.text = std::move(*text);
    return item;
  }

  // The members and the closing parenthesis. Cyrus writes one space between items; a reader takes several, and none
  // inside the parentheses or some.
  base::Result<Dlist> members(Dlist::Kind kind, int depth) {
    Dlist list;
    list.kind = kind;
    for (;;) {
      while (take(" ")) {
      }
      if (take(")")) return list;
      if (at_end()) return refuse("list without an end");
      if (kind == Dlist::Kind::fields) {
        auto key = string();
        if (!key) return tl::unexpected(std::move(key.error()));
        if (!take(" ")) return refuse("key without a value");
        list.keys.push_back(std::move(*key));
      }
      auto value = item(depth + 1);
      if (!value) return value;
      list.items.push_back(std::move(*value));
      if (!next_is(' ') && !next_is(')')) return refuse("no space behind an item");
    }
  }

  base::Result<std::string> string() {
    if (take("\"")) return quoted();
    if (take("{")) return literal();
    return bare();
  }

  base::Result<std::string> bare() {
    const std::size_t start = at_;
    // 0x1F, the separator of names, is written bare; 0x1D is not, but does no harm here. A '%' begins lists, and the
    // file literals of the replication protocol, which never stand in a stored text.
    constexpr std::string_view kEnds{" ()\"{%\r\n\0", 9};
    while (!at_end() && kEnds.find(text_[at_]) == std::string_view::npos) ++at_;
    if (at_ == start) return refuse("item missing");
    return std::string(text_.substr(start, at_ - start));
  }

  base::Result<std::string> quoted() {
    std::string text;
    while (!at_end()) {
      const char c = text_[at_++];
      if (c == '"') return text;
      if (c == '\r' || c == '\n' || c == '\0') return refuse("line end or NUL in a quoted string");
      if (c != '\\') {
        text.push_back(c);
        continue;
      }
      // Cyrus writes a literal rather than an escape; IMAP's two escapes are taken nevertheless.
      if (!next_is('"') && !next_is('\\')) return refuse("unknown escape");
      text.push_back(text_[at_++]);
    }
    return refuse("quoted string without an end");
  }

  base::Result<std::string> literal() {
    const std::size_t start = at_;
    while (!at_end() && base::ascii::is_digit(text_[at_])) ++at_;
    const auto length = parse_decimal(text_.substr(start, at_ - start));
    static_cast<void>(take("+"));
    if (!length || !take("}\r\n")) return refuse("bad literal");
    if (*length > text_.size() - at_) return refuse("literal longer than the text");
    std::string text(text_.substr(at_, static_cast<std::size_t>(*length)));
    at_ += text.size();
    return text;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

const Dlist* Dlist::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == key) return items[i].kind == Kind::nil ? nullptr : &items[i];
  }
  return nullptr;
}

std::optional<std::string_view> Dlist::string(std::string_view key) const {
  const Dlist* value = find(key);
  if (value == nullptr || value->kind != Kind::string) return std::nullopt;
  return value->text;
}

base::Result<Dlist> parse_dlist(std::string_view text) { return Parser(text).whole(); }

Dlist dlist_string(std::string text) {
  Dlist item;
  item.kind = Dlist::Kind::string;
  item.text = std::move(text);
  return item;
}

void append_dlist_string(std::string_view text, std::string& to) {
  constexpr std::size_t kLongestBare = 1023;
  const auto is_plain = [](char c) {
    return c >= 0x1f && c <= 0x7e && std::string_view(" {()\"%*\\").find(c) == std::string_view::npos;
  };
  const auto needs_literal = [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view("\r\n\0\"\\%", 6).find(c) != std::string_view::npos;
  };
  if (!text.empty() && text.size() <= kLongestBare && text != "NIL" && std::ranges::all_of(text, is_plain)) {
    to += text;
  } else if (std::ranges::none_of(text, needs_literal)) {
    to += '"';
    to += text;
    to += '"';
  } else {
    to += '{' + std::to_string(text.size()) + "}\r\n";
    to += text;
  }
}

void append_dlist(const Dlist& item, std::string& to) {
  if (item.kind == Dlist::Kind::nil) {
    to += "NIL";
    return;
  }
  if (item.kind == Dlist::Kind::string) {
    append_dlist_string(item.text, to);
    return;
  }
  const bool fields = item.kind == Dlist::Kind::fields;
  to += fields ? "%(" : "(";
  for (std::size_t i = 0; i < item.items.size(); ++i) {
    if (i != 0) to += ' ';
    if (fields) {
      append_dlist_string(item.keys[i], to);
      to += ' ';
    }
    append_dlist(item.items[i], to);
  }
  to += ')';
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace cyrus

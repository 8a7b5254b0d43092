#include "lmtp/path.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace lmtp {
namespace {

constexpr std::string_view kNoAddress = "no address in angle brackets";

bool is_eight_bit(char c) { return static_cast<unsigned char>(c) >= 0x80; }

/// RFC 5322 s3.2.3 atext, and the dot.
bool is_atom_octet(char c) {
  return base::ascii::is_alnum(c) || is_eight_bit(c) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
}

bool is_domain_octet(char c) { return base::ascii::is_alnum(c) || c == '.' || c == '-' || c == '_' || is_eight_bit(c); }

/// Octets of an address literal (RFC 5321 s4.1.3): enough for IPv4, IPv6 and tags.
bool is_literal_octet(char c) { return base::ascii::is_alnum(c) || c == '.' || c == ':' || c == '-'; }

/// RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : 4;
    if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || length > text.size() - i) return false;
    std::uint32_t point = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0U) != 0x80) return false;
      point = (point << 6) | (next & 0x3FU);
    }
    if ((length == 3 && point < 0x800) || (length == 4 && point < 0x10000)) return false;
    if (point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    i += length;
  }
  return true;
}

/// Reads one path from left to right. Each step says whether it found what belongs there.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text.substr(0, kMaxPathOctets)) {}

  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  std::size_t at() const { return at_; }
  bool cut_off() const { return at_ == kMaxPathOctets; }

  template <class Predicate>
  std::string_view run(Predicate wanted) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && wanted(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  bool domain(std::string& out) {
    if (peek() != '[') {
      out = run(is_domain_octet);
      return !out.empty();
    }
    const std::size_t begin = at_++;
    const bool some = !run(is_literal_octet).empty();
    if (!some || !take(']')) return false;
    out = text_.substr(begin, at_ - begin);
    return true;
  }

  /// `@one,@two:` before the address.
  bool source_route() {
    std::string passed_over;
    do {
      if (!take('@') || !domain(passed_over)) return false;
    } while (take(','));
    return take(':');
  }

  bool local_part(std::string& out) {
    if (peek() != '"') {
      out = run(is_atom_octet);
      return !out.empty();
    }
    ++at_;
    while (!take('"')) {
      take('\\');
      const char c = peek();
      if (base::ascii::is_control(c)) return false;  // also at the end of the text
      out += c;
      ++at_;
    }
    return !out.empty();
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

tl::expected<PathPrefix, std::string_view> parse_path(std::string_view text) {
  PathPrefix out;
  Reader reader(text);
  bool good = reader.take('<');
  if (good && reader.peek() == '@') good = reader.source_route();
  if (good && !(reader.at() == 1 && reader.peek() == '>')) {
    good = reader.local_part(out.path.local) && (!reader.take('@') || reader.domain(out.path.domain));
  }
  good = good && reader.take('>');
  if (!good) return tl::unexpected(reader.cut_off() ? std::string_view("path too long") : kNoAddress);
  out.length = reader.at();
  const std::string both = out.path.local + out.path.domain;
  if (std::any_of(both.begin(), both.end(), is_eight_bit)) {
    const bool utf8 = is_utf8(out.path.local) && is_utf8(out.path.domain);
    out.path.octets = utf8 ? Path::Octets::utf8 : Path::Octets::other;
  }
  return out;
}

bool admit(Path& path, bool utf8, bool strict) {
  if (path.octets == Path::Octets::ascii || (utf8 && path.octets == Path::Octets::utf8)) return true;
  if (strict || std::any_of(path.domain.begin(), path.domain.end(), is_eight_bit)) return false;
  std::replace_if(path.local.begin(), path.local.end(), is_eight_bit, 'X');
  path.octets = Path::Octets::ascii;
  return true;
}

std::string to_text(const Path& path) {
  std::string out;
  if (std::all_of(path.local.begin(), path.local.end(), is_atom_octet)) {
    out = path.local;
  } else {
    out = '"';
    for (const char c : path.local) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  if (!path.domain.empty()) out += "@" + path.domain;
  return out;
}

}  // namespace lmtp

#include "auth/user_deny.hpp"

#include "base/ascii.hpp"

#include <charconv>
#include <cstddef>
#include <system_error>

namespace auth {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr unsigned kNewestVersion = 2;
constexpr std::string_view kDefaultText = "Access to this service has been blocked";

/// Whether `c` is matched by what `pattern` begins with, which is taken off it. Not for '*'.
bool take_one(char c, std::string_view& pattern) {
  const char first = pattern.front();
  pattern.remove_prefix(1);
  if (first == '?') return true;
  if (first == '\\' && !pattern.empty()) {
    const bool same = pattern.front() == c;
    pattern.remove_prefix(1);
    return same;
  }
  // A set without its end is a bracket like any other letter.
  const std::size_t from = pattern.starts_with('^') ? 1 : 0;
  const auto end = first == '[' ? pattern.find(']', from + 1) : npos;
  if (end == npos) return first == c;
  const auto set = pattern.substr(from, end - from);
  pattern.remove_prefix(end + 1);
  bool inside = false;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (i + 2 < set.size() && set[i + 1] == '-') {
      inside = inside || (set[i] <= c && c <= set[i + 2]);
      i += 2;
    } else {
      inside = inside || set[i] == c;
    }
  }
  return inside != (from == 1);
}

}  // namespace

// After a mismatch the last '*' takes one octet more; the ones before it never need to be tried again.
bool wildmat(std::string_view text, std::string_view pattern) {
  std::string_view retry_pattern;
  std::string_view retry_text;
  bool star = false;
  for (;;) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      retry_pattern = pattern;
      retry_text = text;
      star = true;
      continue;
    }
    if (text.empty() && pattern.empty()) return true;
    if (!text.empty() && !pattern.empty() && take_one(text.front(), pattern)) {
      text.remove_prefix(1);
      continue;
    }
    if (!star || retry_text.empty()) return false;
    retry_text.remove_prefix(1);
    text = retry_text;
    pattern = retry_pattern;
  }
}

base::Result<std::optional<std::string>> denial(std::string_view value, std::string_view service) {
  unsigned version = 0;
  const char* const end = value.data() + value.size();
  const auto [rest, error] = std::from_chars(value.data(), end, version);
  if (error != std::errc{} || rest == end || *rest != '\t' || version == 0) {
    return base::fail(base::Errc::corrupt, "user_deny.db: an entry that cannot be read");
  }
  if (version > kNewestVersion) {
    return base::fail(base::Errc::unsupported, "user_deny.db: entry of version " + std::to_string(version));
  }
  std::string_view patterns{rest + 1, end};
  std::string_view message;
  if (const auto tab = patterns.find('\t'); version == kNewestVersion && tab != npos) {
    message = patterns.substr(tab + 1);
    patterns = patterns.substr(0, tab);
  }
  while (!patterns.empty()) {
    const auto comma = patterns.find(',');
    auto pattern = base::ascii::trim(patterns.substr(0, comma));
    patterns.remove_prefix(comma == npos ? patterns.size() : comma + 1);
    const bool lets_in = pattern.starts_with('!');
    if (lets_in) pattern.remove_prefix(1);
    if (pattern.empty() || !wildmat(service, pattern)) continue;
    if (lets_in) return std::nullopt;
    return std::string(message.empty() ? kDefaultText : message);
  }
  return std::nullopt;
}

}  // namespace auth

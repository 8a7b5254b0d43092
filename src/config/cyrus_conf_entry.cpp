#include "config/cyrus_conf_entry.hpp"

#include "base/ascii.hpp"
#include "config/value.hpp"

#include <algorithm>
#include <charconv>

namespace config {
namespace {

namespace ascii = base::ascii;
using base::Errc;

constexpr bool is_name_char(char c) { return ascii::is_alnum(c) || c == '-' || c == '_'; }

/// Removes the longest front of `text` whose characters all fit.
template <class Fits>
std::string_view take_while(std::string_view& text, Fits fits) {
  const auto end = std::find_if_not(text.begin(), text.end(), fits);
  const std::string_view taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(taken.size());
  return taken;
}

bool at_end(std::string_view text) { return text.empty() || text.front() == '#'; }

/// A value: in quotes up to the next one, whatever is between; else up to white space or a comment.
base::Result<std::string_view> take_value(std::string_view& text) {
  if (!text.starts_with('"')) return take_while(text, [](char c) { return !ascii::is_space(c) && c != '#'; });
  const std::size_t end = text.find('"', 1);
  if (end == std::string_view::npos) return base::fail(Errc::invalid, "missing \"");
  const std::string_view value = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  return value;
}

}  // namespace

base::Result<std::optional<EntryLine>> EntryLine::parse(std::string_view text) {
  take_while(text, ascii::is_space);
  if (at_end(text)) return std::nullopt;

  EntryLine entry;
  entry.name_ = take_while(text, is_name_char);
  if (entry.name_.empty() || (!at_end(text) && !ascii::is_space(text.front()))) {
    return base::fail(Errc::invalid, "bad character " + shown(text.substr(0, 1)) + " in name");
  }
  for (;;) {
    take_while(text, ascii::is_space);
    if (at_end(text)) return entry;
    const std::string_view key = take_while(text, ascii::is_alnum);
    if (!key.empty() && at_end(text)) return base::fail(Errc::invalid, "'=' is missing behind " + shown(key));
    if (key.empty() || text.front() != '=') {
      return base::fail(Errc::invalid, "bad character " + shown(text.substr(0, 1)) + " in argument");
    }
    text.remove_prefix(1);
    const auto value = take_value(text);
    if (!value) return tl::unexpected(value.error());
    const auto added = entry.add(std::string(key), std::string(*value));
    if (!added) return tl::unexpected(added.error());
  }
}

base::Result<void> EntryLine::add(std::string key, std::string value) {
  if (attributes_.size() + repeated_.size() == kMaxAttributes) {
    return base::fail(Errc::invalid, "more than " + std::to_string(kMaxAttributes) + " arguments");
  }
  const bool known = std::any_of(attributes_.begin(), attributes_.end(), [&](const auto& a) { return a.key == key; });
  if (known) {
    repeated_.push_back(std::move(key));
  } else {
    attributes_.push_back(Attribute{std::move(key), std::move(value)});
  }
  return {};
}

std::optional<std::string> EntryLine::take(std::string_view key) {
  const auto found = std::find_if(attributes_.begin(), attributes_.end(), [&](const auto& a) { return a.key == key; });
  if (found == attributes_.end()) return std::nullopt;
  found->taken = true;
  return found->value;
}

std::vector<std::string> EntryLine::take_words(std::string_view key) {
  const std::string value = take(key).value_or("");
  const auto words = split_words(value);
  return {words.begin(), words.end()};
}

base::Result<int> EntryLine::take_number(std::string_view key, int otherwise) {
  const auto value = take(key);
  if (!value) return otherwise;
  int number = 0;
  const char* const end = value->data() + value->size();
  const auto result = std::from_chars(value->data(), end, number);
  if (result.ec == std::errc::result_out_of_range) {
    return base::fail(Errc::invalid, "value " + shown(*value) + " for " + shown(key) + " is out of range");
  }
  if (result.ec != std::errc{} || result.ptr != end) {
    return base::fail(Errc::invalid, "value " + shown(*value) + " for " + shown(key) + " is not a number");
  }
  return number;
}

base::Result<bool> EntryLine::take_switch(std::string_view key, bool otherwise) {
  const auto value = take(key);
  if (!value) return otherwise;
  const auto on = parse_toggle(*value);
  if (!on) {
    return base::fail(Errc::invalid, "value " + shown(*value) + " for " + shown(key) + " is neither yes nor no");
  }
  return *on;
}

std::vector<std::string> EntryLine::unknown() const {
  std::vector<std::string> keys;
  for (const Attribute& attribute : attributes_) {
    if (!attribute.taken) keys.push_back(attribute.key);
  }
  return keys;
}

}  // namespace config

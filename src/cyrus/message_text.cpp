// The header goes line by line, because what becomes of a line depends on all of it; the body in runs as long as they
// come.

#include "cyrus/message_text.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <utility>

namespace cyrus {
namespace {

constexpr std::size_t kMaxHeaderLine = std::size_t{1024} * 1024;  // RFC 5322 s2.1.1 allows 998 octets
constexpr std::size_t kMaxKeptValue = std::size_t{4} * 1024;      // more is neither a Message-ID nor a date
constexpr std::string_view kLineEnd = "\r\n";

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// ftext of RFC 5322 s2.2.
bool is_field_name_octet(char c) { return c >= 33 && c <= 126 && c != ':'; }

bool is_eight_bit(char c) { return static_cast<unsigned char>(c) >= 0x80; }

}  // namespace

std::string_view describe(TextFault fault) {
  switch (fault) {
    case TextFault::nul:
      return "message contains NUL characters";
    case TextFault::eight_bit_header:
      return "message contains non-ASCII characters in headers";
    case TextFault::malformed_header:
      return "message contains invalid header";
    case TextFault::empty_message_id:
      return "message has an empty Message-ID";
    case TextFault::too_large:
      return "message is too large";
  }
  return "message cannot be stored";
}

MessageText::MessageText(TextRules rules) : rules_(std::move(rules)) {}

void MessageText::fail(TextFault fault) {
  if (!fault_) fault_ = fault;
}

void MessageText::count(std::size_t octets) {
  octets_ += octets;
  if (rules_.max_octets != 0 && octets_ > rules_.max_octets) fail(TextFault::too_large);
}

void MessageText::add(std::string_view octets, std::string& to) {
  while (!octets.empty() && !fault_) {
    if (in_body_) return add_body(octets, to);
    const std::size_t end = octets.find('\n');
    const std::string_view piece = octets.substr(0, end);
    if (line_.size() + piece.size() > kMaxHeaderLine) return fail(TextFault::malformed_header);
    line_ += piece;
    if (end == std::string_view::npos) return;
    octets.remove_prefix(end + 1);
    add_header_line(to);
    line_.clear();
  }
}

void MessageText::add_header_line(std::string& to) {
  std::erase(line_, '\r');
  if (line_.find('\0') != std::string::npos) return fail(TextFault::nul);
  if (line_.empty()) {
    end_header(to);
    put_line({}, to);
    header_octets_ += kLineEnd.size();
    in_body_ = true;
    return;
  }
  std::string_view value = line_;
  if (!is_blank(line_.front())) {
    begin_field(line_);
    value.remove_prefix(std::min(line_.find(':') + 1, line_.size()));
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  } else if (!has_field_) {
    fail(TextFault::malformed_header);
  }
  if (std::ranges::any_of(line_, is_eight_bit)) {
    if (rules_.reject_8bit) fail(TextFault::eight_bit_header);
    if (rules_.munge_8bit) std::ranges::replace_if(line_, is_eight_bit, 'X');
  }
  if (fault_) return;
  if (keep_ != nullptr && keep_->size() <= kMaxKeptValue) *keep_ += value;
  if (is_left_out_) return;
  put_line(line_, to);
  header_octets_ += line_.size() + kLineEnd.size();
}

// Blanks before the colon are obsolete but allowed (RFC 5322 s4.5).
void MessageText::begin_field(std::string_view line) {
  const auto* const end = std::ranges::find_if_not(line, is_field_name_octet);
  const std::string_view name = line.substr(0, static_cast<std::size_t>(end - line.begin()));
  const std::size_t colon = line.find_first_not_of(" \t", name.size());
  if (name.empty() || colon == std::string_view::npos || line[colon] != ':') return fail(TextFault::malformed_header);
  has_field_ = true;
  is_left_out_ = rules_.remove_return_path && base::ascii::equal_ignoring_case(name, "Return-Path");

  keep_ = nullptr;
  const auto keep_first = [&](std::string_view wanted, bool& seen, std::string& where) {
    if (seen || !base::ascii::equal_ignoring_case(name, wanted)) return;
    seen = true;
    keep_ = &where;
  };
  keep_first("Message-ID", has_message_id_, message_id_);
  keep_first("Resent-Message-ID", has_resent_id_, resent_id_);
  keep_first("Date", has_date_, date_);
}

void MessageText::end_header(std::string& to) {
  if (has_message_id_ && message_id_.empty() && resent_id_.empty()) return fail(TextFault::empty_message_id);
  const auto add_field = [&](std::string_view name, const std::string& value, bool& seen, std::string& kept) {
    if (seen || value.empty()) return;
    seen = true;
    kept = value;
    const std::size_t before = to.size();
    to.append(name).append(": ").append(value).append(kLineEnd);
    header_octets_ += to.size() - before;
  };
  if (resent_id_.empty()) add_field("Message-ID", rules_.message_id, has_message_id_, message_id_);
  add_field("Date", rules_.date, has_date_, date_);
  for (std::string* kept : {&message_id_, &resent_id_, &date_}) {
    if (kept->size() > kMaxKeptValue) kept->clear();
  }
}

void MessageText::put_line(std::string_view line, std::string& to) {
  count(line.size() + kLineEnd.size());
  to.append(line).append(kLineEnd);
}

void MessageText::add_body(std::string_view octets, std::string& to) {
  while (!octets.empty() && !fault_) {
    const std::size_t end = octets.find('\n');
    put_body(octets.substr(0, end), to);
    if (fault_ || end == std::string_view::npos) return;
    put_line({}, to);
    is_at_line_start_ = true;
    octets.remove_prefix(end + 1);
  }
}

// A part of a line. Every CR goes: one before LF comes back with it.
void MessageText::put_body(std::string_view octets, std::string& to) {
  const std::size_t nul = octets.find('\0');
  const std::string_view good = octets.substr(0, nul);
  const std::size_t before = to.size();
  for (std::size_t at = 0; at < good.size();) {
    const std::size_t end = std::min(good.find('\r', at), good.size());
    to.append(good.substr(at, end - at));
    at = end + 1;
  }
  count(to.size() - before);
  if (to.size() != before) is_at_line_start_ = false;
  if (nul != std::string_view::npos) fail(TextFault::nul);
}

void MessageText::finish(std::string& to) {
  if (fault_) return;
  std::erase(line_, '\r');
  if (!in_body_ && !line_.empty()) add_header_line(to);
  if (fault_) return;
  if (!in_body_) return end_header(to);
  if (!is_at_line_start_) put_line({}, to);
}

}  // namespace cyrus

#include "pop3d/telemetry_text.hpp"

#include "base/ascii.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <array>

namespace pop3d {
namespace {

/// Those of RFC 1939, 2449 and 6856, and two that old clients try.
constexpr std::array<std::string_view, 15> kKeywords{"stat", "list", "retr", "dele", "noop", "rset", "top", "uidl",
                                                     "quit", "capa", "utf8", "lang", "last", "xtnd", ""};
constexpr std::size_t kLongestKeyword = 4;

bool is_known(std::string_view keyword) {
  return std::find(kKeywords.begin(), kKeywords.end(), base::ascii::lower(keyword)) != kKeywords.end();
}

std::string marked(char mark, std::string_view octets, std::time_t now) {
  if (octets.empty()) return {};
  std::string out;
  out.reserve(octets.size() + 16);
  out += mark;
  out += std::to_string(now);
  out += mark;
  out += octets;
  return out;
}

}  // namespace

std::string telemetry_head(std::string_view user, std::time_t now) {
  std::array<char, 64> text{};
  if (::ctime_r(&now, text.data()) == nullptr) text = {'\n'};  // a year that the C library cannot write
  return "---------- " + base::printable(user) + " " + text.data() + "\n";
}

std::string telemetry_received(std::string_view octets, std::time_t now) { return marked('<', octets, now); }
std::string telemetry_sent(std::string_view octets, std::time_t now) { return marked('>', octets, now); }

std::string ClientMask::show(std::string_view octets) {
  std::string out;
  out.reserve(octets.size());
  for (const char c : octets) {
    const bool line_end = c == '\n';
    const bool keyword_end = line_end || c == ' ' || c == '\r';
    if (state_ == State::keyword && !keyword_end && keyword_.size() < kLongestKeyword) {
      keyword_ += c;
      continue;
    }
    if (state_ == State::keyword) {
      state_ = keyword_end && is_known(keyword_) ? State::known : State::hidden;
      out += state_ == State::known ? keyword_ : "***";
      keyword_.clear();
    }
    if (state_ == State::known) {
      out += c;
    } else if (line_end) {
      out += after_cr_ ? "\r\n" : "\n";
    }
    after_cr_ = c == '\r';
    if (line_end) state_ = State::keyword;
  }
  return out;
}

}  // namespace pop3d

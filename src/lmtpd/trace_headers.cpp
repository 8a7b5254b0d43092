#include "lmtpd/trace_headers.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace lmtpd {
namespace {

/// What a client said of itself: octets that would not stand well in a header become an X.
std::string tamed(std::string text) {
  for (char& c : text) {
    if (c <= ' ' || c > '~' || std::string_view("();<>\"\\").find(c) != std::string_view::npos) c = 'X';
  }
  return text;
}

/// RFC 3848 and RFC 6531 s4.3: LMTP, LMTPA, LMTPS, LMTPSA, UTF8LMTP ...
std::string protocol(const Trace& trace) {
  std::string out = trace.utf8 ? "UTF8LMTP" : "LMTP";
  if (!trace.tls.empty()) out += "S";
  if (!trace.user.empty()) out += "A";
  return out;
}

}  // namespace

std::string trace_headers(const Trace& trace) {
  lmtp::Path sender = trace.sender;
  if (!sender.is_null() && sender.domain.empty()) sender.domain = trace.server_name;
  std::string out = "Return-Path: <" + lmtp::to_text(sender) + ">\r\n";
  out += "Received: from " + (trace.client_name.empty() ? "unknown" : tamed(trace.client_name)) + " (" + trace.client +
         ")";
  if (!trace.user.empty()) out += "\r\n\t(authenticated user=" + tamed(trace.user) + ")";
  out += "\r\n\tby " + trace.server_name;
  if (!trace.software.empty()) out += " (" + trace.software + ")";
  out += " with " + protocol(trace) + " id " + trace.id;
  if (!trace.tls.empty()) out += "\r\n\t(" + trace.tls + ")";
  return out + ";\r\n\t" + trace.date + "\r\n";
}

std::string rfc5322_date(std::time_t when) {
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm local = {};
  ::localtime_r(&when, &local);
  const long minutes = std::labs(local.tm_gmtoff) / 60;
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %d %02d:%02d:%02d %c%02ld%02ld",
                kDays.at(static_cast<std::size_t>(local.tm_wday)), local.tm_mday,
                kMonths.at(static_cast<std::size_t>(local.tm_mon)), local.tm_year + 1900, local.tm_hour, local.tm_min,
                local.tm_sec, local.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
  return text.data();
}

}  // namespace lmtpd

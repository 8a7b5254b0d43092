#include "base/log.hpp"

#include <syslog.h>

#include <array>
#include <cstdio>
#include <memory>
#include <utility>

namespace base {
namespace {

int syslog_level(Severity severity) {
  switch (severity) {
    case Severity::critical:
      return LOG_CRIT;
    case Severity::error:
      return LOG_ERR;
    case Severity::warning:
      return LOG_WARNING;
    case Severity::notice:
      return LOG_NOTICE;
    case Severity::info:
      return LOG_INFO;
    case Severity::debug:
      return LOG_DEBUG;
  }
  return LOG_ERR;
}

int facility_number(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, int>, 20> kFacilities{{
      {"auth", LOG_AUTH},     {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},     {"daemon", LOG_DAEMON},
      {"ftp", LOG_FTP},       {"kern", LOG_KERN},         {"lpr", LOG_LPR},       {"mail", LOG_MAIL},
      {"news", LOG_NEWS},     {"security", LOG_AUTH},     {"syslog", LOG_SYSLOG}, {"user", LOG_USER},
      {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1},     {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3},
      {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5},     {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7},
  }};
  for (const auto& [text, number] : kFacilities) {
    if (text == name) return number;
  }
  return LOG_MAIL;
}

constexpr bool needs_escape(unsigned char c) { return c < 0x20 || c >= 0x7f; }

}  // namespace

std::string printable(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (needs_escape(byte)) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

void Log::write(Severity severity, std::string_view text) const {
  for (const char c : text) {
    if (needs_escape(static_cast<unsigned char>(c))) {
      sink_(severity, printable(text));
      return;
    }
  }
  sink_(severity, text);
}

Log::Sink syslog_sink(const SyslogOptions& options) {
  auto ident = std::make_shared<const std::string>(options.ident);
  ::openlog(ident->c_str(), LOG_PID, facility_number(options.facility));
  ::setlogmask(LOG_UPTO(options.debug ? LOG_DEBUG : LOG_INFO));
  return [ident, to_stderr = options.to_stderr, debug = options.debug](Severity severity, std::string_view line) {
    if (severity == Severity::debug && !debug) return;
    const int length = static_cast<int>(line.size());
    ::syslog(syslog_level(severity), "%.*s", length, line.data());
    if (to_stderr) std::fprintf(stderr, "%s: %.*s\n", ident->c_str(), length, line.data());
  };
}

}  // namespace base

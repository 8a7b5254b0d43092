#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace base {

enum class Severity { critical, error, warning, notice, info, debug };

/// Where log lines go. One per process, made by main and passed down by reference; safe to call from any thread.
///
/// Text is data, never a format. Control bytes and bytes of 0x80 and above are written as \xNN, so nothing that a
/// client sends can begin a new line or hide in a terminal.
class Log {
 public:
  using Sink = std::function<void(Severity, std::string_view line)>;

  /// Lines go to `sink`, which must be safe to call from any thread.
  explicit Log(Sink sink) : sink_(std::move(sink)) {}
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(Severity severity, std::string_view text) const;
  void critical(std::string_view text) const { write(Severity::critical, text); }
  void error(std::string_view text) const { write(Severity::error, text); }
  void warning(std::string_view text) const { write(Severity::warning, text); }
  void notice(std::string_view text) const { write(Severity::notice, text); }
  void info(std::string_view text) const { write(Severity::info, text); }
  void debug(std::string_view text) const { write(Severity::debug, text); }

 private:
  Sink sink_;
};

/// `text` as it may stand in a log line or on a terminal.
std::string printable(std::string_view text);

/// What syslog(3) is told once. `ident` is "prefix/service"; `facility` a name as in syslog_facility ("mail",
/// "local6"), unknown or empty means mail. With `to_stderr` each line also goes to standard error.
struct SyslogOptions {
  std::string ident;
  std::string facility;
  bool debug = false;
  bool to_stderr = false;
};

/// A sink that writes to syslog. Calls openlog(3); the text of `ident` stays allocated as long as the sink.
/// syslog(3) can block when its socket is full, for a moment only: journald and rsyslog drop rather than wait.
Log::Sink syslog_sink(const SyslogOptions& options);

}  // namespace base

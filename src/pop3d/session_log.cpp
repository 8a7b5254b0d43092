#include "pop3d/session_log.hpp"

#include "base/log_text.hpp"

#include <optional>

namespace pop3d {
namespace {

using base::bracketed;
using server::LogFormat;

std::string bracketed_number(std::string_view key, std::uint64_t number) {
  return bracketed(key, std::to_string(number));
}

/// "12.345"
std::string seconds(std::uint64_t milliseconds) {
  const std::string fraction = std::to_string(milliseconds % 1000);
  return std::to_string(milliseconds / 1000) + "." + std::string(3 - fraction.size(), '0') + fraction;
}

std::optional<std::string_view> known(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>(text);
}

std::string_view name(AuditedAction action) {
  switch (action) {
    case AuditedAction::retr:
      return "retr";
    case AuditedAction::retr_cut:
      return "retr-cut";
    case AuditedAction::top:
      return "top";
    case AuditedAction::dele:
      return "dele";
    case AuditedAction::removed:
      return "removed";
  }
  return "";
}

}  // namespace

std::string_view name(SessionEnd end) {
  switch (end) {
    case SessionEnd::quit:
      return "quit";
    case SessionEnd::not_updated:
      return "not-updated";
    case SessionEnd::peer_lost:
      return "peer-lost";
    case SessionEnd::timeout:
      return "timeout";
    case SessionEnd::login_late:
      return "login-late";
    case SessionEnd::stopped:
      return "stopped";
    case SessionEnd::shut_down:
      return "shut-down";
    case SessionEnd::vanished:
      return "vanished";
    case SessionEnd::tls_failed:
      return "tls-failed";
    case SessionEnd::bad_commands:
      return "bad-commands";
    case SessionEnd::failed_logins:
      return "failed-logins";
    case SessionEnd::refused:
      return "refused";
    case SessionEnd::broken_reply:
      return "broken-reply";
    case SessionEnd::failed:
      return "failed";
  }
  return "";
}

std::string counts_line(const SessionFacts& facts) {
  return "counts:" + bracketed_number("retr", facts.retrieved) + bracketed_number("top", facts.topped) +
         bracketed_number("dele", facts.deleted);
}

std::string traffic_line(LogFormat format, const SessionFacts& facts) {
  if (format == LogFormat::logfmt) {
    return base::Logfmt("auditlog.traffic")
        .add("r.sessionid", facts.id)
        .add("used.bytes.in", facts.octets_in)
        .add("used.bytes.out", facts.octets_out)
        .line();
  }
  return "auditlog: traffic" + bracketed("sessionid", facts.id) + bracketed_number("bytes_in", facts.octets_in) +
         bracketed_number("bytes_out", facts.octets_out);
}

std::string session_line(LogFormat format, const SessionFacts& facts) {
  if (format == LogFormat::logfmt) {
    return base::Logfmt("session.end")
        .add("r.sessionid", facts.id)
        .add("r.clienthost", facts.client)
        .add("u.username", known(facts.user))
        .add("mbox.name", known(facts.mailbox))
        .add("session.end", name(facts.end))
        .add("session.seconds", seconds(facts.milliseconds))
        .add("used.bytes.in", facts.octets_in)
        .add("used.bytes.out", facts.octets_out)
        .add("pop.messages", facts.messages)
        .add("pop.first", known(facts.first_id))
        .add("pop.last", known(facts.last_id))
        .add("pop.retr", facts.retrieved)
        .add("pop.top", facts.topped)
        .add("pop.dele", facts.deleted)
        .add("pop.removed", facts.removed)
        .add("pop.dropped", facts.dropped)
        .line();
  }
  return "session:" + bracketed("sessionid", facts.id) + bracketed("client", facts.client) +
         bracketed("user", facts.user) + bracketed("mailbox", facts.mailbox) + bracketed("end", name(facts.end)) +
         bracketed("seconds", seconds(facts.milliseconds)) + bracketed_number("bytes_in", facts.octets_in) +
         bracketed_number("bytes_out", facts.octets_out) + bracketed_number("messages", facts.messages) +
         bracketed("first", facts.first_id) + bracketed("last", facts.last_id) +
         bracketed_number("retr", facts.retrieved) + bracketed_number("top", facts.topped) +
         bracketed_number("dele", facts.deleted) + bracketed_number("removed", facts.removed) +
         bracketed_number("dropped", facts.dropped);
}

std::string audit_line(LogFormat format, AuditedAction action, const SessionFacts& facts, maildrop::Uid uid,
                       maildrop::Octets octets) {
  const std::string event = "pop3." + std::string(name(action));
  if (format == LogFormat::logfmt) {
    return base::Logfmt("auditlog." + event)
        .add("r.sessionid", facts.id)
        .add("u.username", facts.user)
        .add("mbox.name", facts.mailbox)
        .add("msg.uid", value(uid))
        .add("msg.size", value(octets))
        .line();
  }
  return "auditlog: " + event + bracketed("sessionid", facts.id) + bracketed("user", facts.user) +
         bracketed("mailbox", facts.mailbox) + bracketed_number("uid", value(uid)) +
         bracketed_number("size", value(octets));
}

}  // namespace pop3d

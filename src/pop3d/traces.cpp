// What a session leaves in the log. The words stand in session_log.cpp and server/login_log.cpp.

#include "base/ascii.hpp"
#include "pop3d/session.hpp"
#include "pop3d/telemetry_file.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <sys/time.h>

namespace pop3d {
namespace {

/// "0.007561"
std::string seconds_between(const timeval& before, const timeval& after) {
  timeval used = {};
  timersub(&after, &before, &used);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%ld.%06ld", static_cast<long>(used.tv_sec), static_cast<long>(used.tv_usec));
  return text.data();
}

/// The words of a refusal behind its response code, without the line end.
std::string_view words_of(const pop3::Line& reply) {
  std::string_view text = reply.text;
  while (text.ends_with('\r') || text.ends_with('\n')) text.remove_suffix(1);
  const auto code_end = text.find("] ");
  return code_end == std::string_view::npos ? text : text.substr(code_end + 2);
}

}  // namespace

void Session::log_login(const auth::Identity& identity, std::string mechanism, const std::string& anonymous_password) {
  server::GoodLogin login;
  login.client = client();
  login.user = identity.user;
  if (!identity.subfolder.empty()) login.subfolder = "+" + identity.subfolder;
  login.mechanism = std::move(mechanism);
  login.tls = has_tls();
  login.session_id = id_;
  process_.log.notice(identity.user == "anonymous"
                          ? server::anonymous_login_line(settings_.log_format, login, anonymous_password)
                          : server::login_line(settings_.log_format, login));
}

void Session::log_bad_login(std::string mechanism, std::optional<std::string> user, std::string reason) {
  server::BadLogin login;
  login.client = client();
  login.mechanism = std::move(mechanism);
  login.user = std::move(user);
  login.reason = std::move(reason);
  process_.log.notice(server::bad_login_line(settings_.log_format, login));
}

// Cyrus's words for what the client was told, and the reason that only the log may know behind them.
void Session::log_unopened(const base::Error& error, const pop3::Line& reply) {
  if (error.code == base::Errc::limit) {
    process_.log.error(mailbox_ + ": " + std::string(words_of(reply)));
    return;
  }
  std::string_view words = words_of(reply);
  if (const auto colon = words.find(": "); colon != std::string_view::npos) words.remove_prefix(colon + 2);
  process_.log.info("Unable to open maildrop " + mailbox_ + ": " + std::string(words) + " (" + error.text + ")");
}

// Keywords only: what stands behind one may be a password.
void Session::log_command(std::string_view line) {
  constexpr std::size_t kMostOctets = 40;
  process_.log.notice("command: " + base::ascii::lower(line.substr(0, std::min(line.find(' '), kMostOctets))));
}

void Session::lost(const base::Error& error) {
  if (end_ == SessionEnd::stopped) return;
  if (error.code != base::Errc::timeout) {
    end_ = SessionEnd::peer_lost;
  } else {
    const bool late = !drop_ && net::Clock::now() >= arrived_ + settings_.login_deadline;
    end_ = late ? SessionEnd::login_late : SessionEnd::timeout;
  }
}

SessionFacts Session::facts() const {
  SessionFacts out;
  out.id = id_;
  out.client = client();
  out.user = user_;
  if (drop_) {
    out.mailbox = mailbox_;
    out.messages = drop_->count();
    if (out.messages > 0) {
      drop_->append_unique_id(maildrop::MessageNumber{1}, out.first_id);
      drop_->append_unique_id(maildrop::MessageNumber{out.messages}, out.last_id);
    }
    out.dropped = counts_.updated ? 0 : drop_->deleted();
  }
  out.end = end_;
  const auto lasted = over_.value_or(net::Clock::now()) - arrived_;
  out.milliseconds = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(lasted).count());
  out.octets_in = stream_.octets_in();
  out.octets_out = stream_.octets_out();
  out.retrieved = counts_.retrieved;
  out.topped = counts_.topped;
  out.deleted = counts_.deleted;
  out.removed = counts_.removed;
  return out;
}

void Session::audit(AuditedAction action, maildrop::Uid uid) const {
  if (!settings_.audit_messages) return;
  SessionFacts who;
  who.id = id_;
  who.user = user_;
  who.mailbox = mailbox_;
  process_.log.notice(audit_line(settings_.log_format, action, who, uid, drop_->octets(uid)));
}

void Session::audit_removed(const maildrop::UpdateReport& report) const {
  for (const maildrop::Uid uid : report.removed_uids) audit(AuditedAction::removed, uid);
}

std::unique_ptr<Telemetry> Session::open_telemetry(const std::string& user) {
  TelemetryPlace place;
  place.directory = settings_.telemetry_directory;
  place.user = user;
  place.service = settings_.service;
  place.session_id = id_;
  place.by_session_id = settings_.telemetry_by_session_id;
  place.one_at_a_time = settings_.max_sessions == 1;
  auto file = pop3d::open_telemetry(place);
  if (!file) {
    process_.log.warning("no telemetry of " + user + ": " + file.error().text);
    return nullptr;
  }
  return *file ? std::make_unique<Telemetry>(telemetry_writer_, std::move(**file), user) : nullptr;
}

// What a client has sent behind its password and we have read with it is not shown, as in the original.
void Session::begin_telemetry() { stream_.set_witness(telemetry_.get()); }

void Session::log_telemetry_trouble() {
  if (!telemetry_) return;
  if (const auto trouble = telemetry_->trouble()) process_.log.warning(*trouble);
}

void Session::log_end() {
  try {
    log_telemetry_trouble();
    const SessionFacts of_session = facts();
    if (used_before_ && !user_.empty()) {
      rusage now = {};
      if (::getrusage(RUSAGE_SELF, &now) == 0) {
        process_.log.notice("USAGE " + user_ + " user: " + seconds_between(used_before_->ru_utime, now.ru_utime) +
                            " sys: " + seconds_between(used_before_->ru_stime, now.ru_stime));
      }
    }
    process_.log.notice(counts_line(of_session));
    if (settings_.audit_traffic) process_.log.notice(traffic_line(settings_.log_format, of_session));
    // Connections that come to nothing, such as those of a load balancer that looks whether we live, are many.
    const auto severity = user_.empty() ? base::Severity::info : base::Severity::notice;
    process_.log.write(severity, session_line(settings_.log_format, of_session));
  } catch (const std::exception& error) {
    process_.log.error("session <" + id_ + ">: no line about its end: " + error.what());
  }
}

}  // namespace pop3d

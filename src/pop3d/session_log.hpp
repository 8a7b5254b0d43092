#pragma once

#include "maildrop/maildrop.hpp"
#include "server/login_log.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// The lines of the log that tell of one session (doc/format/log-lines.md). Pure.
namespace pop3d {

/// Why a session ended.
enum class SessionEnd {
  quit,           ///< QUIT, and what was asked for is done
  not_updated,    ///< QUIT, and the deletions were not carried out
  peer_lost,      ///< the client closed or lost the connection
  timeout,        ///< nothing passed in either direction for poptimeout
  login_late,     ///< pop3_login_deadline passed before a login
  stopped,        ///< the process was told to stop, or drained too long
  shut_down,      ///< a shutdown file
  vanished,       ///< the mailbox was removed or renamed (disconnect_on_vanished_mailbox)
  tls_failed,     ///< the handshake did not succeed
  bad_commands,   ///< pop3_bad_commands
  failed_logins,  ///< failed_logins_per_connection
  refused,        ///< we hung up on something that no honest client does
  broken_reply,   ///< a message could not be read to its end
  failed,         ///< a defect or lack of memory; another line tells
};

/// One word, as it stands in the log.
std::string_view name(SessionEnd end);

/// What a session did. Everything but `id` may come from outside.
struct SessionFacts {
  std::string id;
  std::string client;   ///< "name [ip]"
  std::string user;     ///< "": never logged in
  std::string mailbox;  ///< internal name; "": none was opened
  SessionEnd end = SessionEnd::peer_lost;
  std::uint64_t milliseconds = 0;  ///< from the connection to the last reply
  std::uint64_t octets_in = 0;
  std::uint64_t octets_out = 0;
  std::uint32_t messages = 0;  ///< in the maildrop at login
  std::string first_id;       ///< unique-ids of the first and the last of them: when a client fetches everything again,
  std::string last_id;        ///< these tell whether the server has changed them. "": none
  unsigned retrieved = 0;     ///< RETR that was sent whole
  unsigned topped = 0;        ///< TOP
  unsigned deleted = 0;       ///< DELE
  std::uint64_t removed = 0;  ///< carried out at QUIT
  std::uint64_t dropped = 0;  ///< marked deleted when the session ended otherwise
};

/// The line of Cyrus, word for word.
std::string counts_line(const SessionFacts& facts);
/// The line of Cyrus that option auditlog asks for.
std::string traffic_line(server::LogFormat format, const SessionFacts& facts);
/// Ours: all of it in one line.
std::string session_line(server::LogFormat format, const SessionFacts& facts);

/// What option pop3_audit tells of a message.
enum class AuditedAction {
  retr,      ///< sent whole
  retr_cut,  ///< the client went, or the file could not be read, before its end
  top,
  dele,     ///< marked by DELE
  removed,  ///< carried out at QUIT, durably
};

std::string audit_line(server::LogFormat format, AuditedAction action, const SessionFacts& facts, maildrop::Uid uid,
                       maildrop::Octets octets);

}  // namespace pop3d

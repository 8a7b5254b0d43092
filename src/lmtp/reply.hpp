#pragma once

#include <string>
#include <string_view>

namespace lmtp {

/// A reply that is ready: one line or several, with every CRLF in place.
struct Reply {
  std::string text;
};

/// "CODE STATUS TEXT" and CRLF, the status of RFC 3463 as RFC 2034 s4 wants it before the text. Text must be printable:
/// CR and LF, which would forge a reply, are CHECKed for. An empty status is left out (greeting, LHLO, 354).
Reply reply(int code, std::string_view status, std::string_view text);

Reply greeting(std::string_view server_name, std::string_view software);  ///< 220; `software` "": not told
Reply go_ahead();                                                         ///< 354
Reply closing(std::string_view text);                                     ///< 421: we end the connection

/// Why a recipient gets no message, as senders are told. Cyrus's codes and words where it has them.
enum class Refused {
  unknown_user,       ///< 550 5.1.1
  no_permission,      ///< 550 5.7.1
  over_quota,         ///< 452 4.2.2
  over_quota_always,  ///< 552 5.2.2, lmtp_over_quota_perm_failure
  no_space,           ///< 452 4.3.1: our disk is full
  io,                 ///< 451 4.3.0
  busy,               ///< 451 4.3.0: a lock was not free for too long
  bad_mailbox,        ///< 451 4.2.0: damaged
  not_now,            ///< 451 4.2.0: nothing is wrong with it, but we do not deliver there (yet)
  too_big,            ///< 552 5.3.4
  has_nul,            ///< 554 5.6.0
  bad_header,         ///< 554 5.6.0
  eight_bit_header,   ///< 554 5.6.0
};

/// The answer for one recipient. `session_id` is shown where Cyrus shows its own.
Reply refusal(Refused why, std::string_view session_id);
/// After DATA, when the message is durable in the mailbox, or was there already.
Reply delivered(std::string_view session_id);

}  // namespace lmtp

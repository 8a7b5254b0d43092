#include "pop3/reply.hpp"

#include "base/ascii.hpp"
#include "base/check.hpp"

#include <algorithm>

namespace pop3 {
namespace {

constexpr std::string_view kErr = "-ERR ";
constexpr std::string_view kLineEnd = "\r\n";

Line status_line(std::string_view status, std::string_view text) {
  CHECK(text.find_first_of(kLineEnd) == std::string_view::npos);
  Line line;
  line.text.reserve(status.size() + text.size() + kLineEnd.size());
  line.text += status;
  line.text += text;
  line.text += kLineEnd;
  return line;
}

}  // namespace

Line ok(std::string_view text) { return status_line(text.empty() ? "+OK" : "+OK ", text); }

Line err(std::string_view text) { return status_line(kErr, text); }

Line err_foreign(std::string_view text) {
  std::string printable(text.substr(0, kMaxReplyOctets - kErr.size() - kLineEnd.size()));
  std::replace_if(printable.begin(), printable.end(), base::ascii::is_control, ' ');
  return err(printable);
}

Line blocked(std::string_view text) { return err_foreign("[SYS/TEMP] " + std::string(text)); }

Line could_not_open(const base::Error& error) {
  using enum base::Errc;
  switch (error.code) {
    // Cyrus: SYS/TEMP although nobody expects the mailbox to come by itself.
    case not_found:
      return err("[SYS/TEMP] Unable to open maildrop: Mailbox does not exist");
    case permission:
      return err("[SYS/TEMP] Unable to open maildrop: Permission denied");
    // "lock" is a word that clients look for before they blame the password.
    case busy:
    case timeout:
      return err("[IN-USE] Unable to lock maildrop: try again later");
    case corrupt:
      return err("[SYS/PERM] Unable to open maildrop: Mailbox format corruption detected");
    case unsupported:
      return err("[SYS/PERM] Unable to open maildrop: Mailbox is not supported by this server");
    case io:
    case would_block:
    case closed:
    case invalid:
    case limit:
      break;
  }
  return err("[SYS/TEMP] Unable to open maildrop: System I/O error");
}

Line login_delay(std::int64_t minutes) {
  return err("[LOGIN-DELAY] Logins must be at least " + std::to_string(minutes) +
             (minutes == 1 ? " minute apart" : " minutes apart"));
}

Line could_not_read_message(const base::Error& error) {
  // A file that is gone or is not what was listed stays so; the rest may pass.
  const bool lasting = error.code == base::Errc::not_found || error.code == base::Errc::corrupt;
  return err(lasting ? "[SYS/PERM] Could not read message file" : "[SYS/TEMP] Could not read message file");
}

Line could_not_update(const base::Error& error) {
  // RFC 2449 s8.1.2: IN-USE is a code of logins only.
  if (error.code == base::Errc::busy) {
    return err("[SYS/TEMP] Unable to lock maildrop: deletions were not carried out, try again later");
  }
  return err("[SYS/TEMP] Deletions were not carried out: try again later");
}

}  // namespace pop3

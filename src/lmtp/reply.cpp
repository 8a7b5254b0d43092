#include "lmtp/reply.hpp"

#include "base/check.hpp"

namespace lmtp {

Reply reply(int code, std::string_view status, std::string_view text) {
  CHECK(code >= 200 && code < 600 && text.find_first_of("\r\n") == std::string_view::npos);
  std::string out = std::to_string(code) + " ";
  if (!status.empty()) out += std::string(status) + " ";
  return {out + std::string(text) + "\r\n"};
}

Reply greeting(std::string_view server_name, std::string_view software) {
  std::string text(server_name);
  if (!software.empty()) text += " Cyrus LMTP " + std::string(software);
  return reply(220, "", text + " server ready");
}

Reply go_ahead() { return reply(354, "", "go ahead"); }
Reply closing(std::string_view text) { return reply(421, "4.3.2", text); }

Reply refusal(Refused why, std::string_view session_id) {
  const std::string session = " SESSIONID=<" + std::string(session_id) + ">";
  switch (why) {
    case Refused::unknown_user:
      return {
          "550-Mailbox unknown.  Either there is no mailbox associated with this\r\n"
          "550-name or you do not have authorization to see it.\r\n"
          "550 5.1.1 User unknown\r\n"};
    case Refused::no_permission:
      return reply(550, "5.7.1", "Permission denied");
    case Refused::over_quota:
      return reply(452, "4.2.2", "Over quota" + session);
    case Refused::over_quota_always:
      return reply(552, "5.2.2", "Over quota" + session);
    case Refused::no_space:
      return reply(452, "4.3.1", "Out of space" + session);
    case Refused::io:
      return reply(451, "4.3.0", "System I/O error" + session);
    case Refused::busy:
      return reply(451, "4.3.0", "Mailbox is busy" + session);
    case Refused::bad_mailbox:
      return reply(451, "4.2.0", "Mailbox has an invalid format" + session);
    case Refused::not_now:
      return reply(451, "4.2.0", "Mailbox cannot be delivered to now" + session);
    case Refused::too_big:
      return reply(552, "5.3.4", "Message exceeds fixed maximum message size");
    case Refused::has_nul:
      return reply(554, "5.6.0", "Message contains NUL characters");
    case Refused::bad_header:
      return reply(554, "5.6.0", "Message contains invalid header");
    case Refused::eight_bit_header:
      return reply(554, "5.6.0", "Message contains non-ASCII characters in headers");
  }
  CHECK(false);
}

Reply delivered(std::string_view session_id) {
  return reply(250, "2.1.5", "Success SESSIONID=<" + std::string(session_id) + ">");
}

}  // namespace lmtp

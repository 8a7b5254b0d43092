#include "tools/pillarbox/mailbox_argument.hpp"

#include "tools/pillarbox/exit_status.hpp"

#include <sysexits.h>

namespace tools {

base::Result<UserFolder> parse_user_folder(std::string_view text) {
  UserFolder found;
  const auto at = text.rfind('@');
  const std::string_view domain = at == std::string_view::npos ? std::string_view() : text.substr(at);
  const std::string_view local = text.substr(0, at);
  const auto plus = local.find('+');
  found.user = std::string(local.substr(0, plus)) + std::string(domain);
  if (plus != std::string_view::npos) found.folder = local.substr(plus + 1);
  const bool bad_folder = plus != std::string_view::npos && found.folder.empty();
  if (found.user.empty() || found.user.front() == '@' || domain == "@" || bad_folder) {
    return fail_with(EX_DATAERR, "'" + std::string(text) + "': neither a user nor USER+FOLDER");
  }
  return found;
}

base::Result<cyrus::MailboxName> parse_mailbox_argument(std::string_view text, const cyrus::StoreConfig& config) {
  const auto is_internal = [&] {
    const std::string_view name = text.substr(text.find('!') + 1);  // npos + 1: the whole
    return text.find('@') == std::string_view::npos && text.find('+') == std::string_view::npos &&
           (name.starts_with("user.") || name.starts_with(config.deleted_prefix + ".") ||
            text.find('!') != std::string_view::npos);
  };
  if (is_internal()) {
    auto name = cyrus::MailboxName::from_intname(text);
    if (!name) return tl::unexpected(with_status(EX_DATAERR, name.error()));
    return name;
  }
  const auto user = parse_user_folder(text);
  if (!user) return tl::unexpected(user.error());
  auto name = cyrus::MailboxName::of_user(user->user, user->folder, config);
  if (!name) return tl::unexpected(with_status(EX_DATAERR, name.error()));
  return name;
}

}  // namespace tools

#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_name.hpp"
#include "cyrus/store_config.hpp"

#include <string>
#include <string_view>

namespace tools {

/// A user, and a folder below the INBOX or none, as they stand on a command line.
struct UserFolder {
  std::string user;
  std::string folder;  ///< components separated as imapd.conf says; empty: INBOX
};

/// USER, USER+FOLDER, USER@DOMAIN or USER+FOLDER@DOMAIN. Pure. Errors: invalid.
base::Result<UserFolder> parse_user_folder(std::string_view text);

/// Which mailbox NAME means: an internal name ("user.ann.sub", "example.com!user.ann", "DELETED.user.ann.6B035A5C") or
/// what parse_user_folder() takes. Errors: invalid, naming it.
base::Result<cyrus::MailboxName> parse_mailbox_argument(std::string_view text, const cyrus::StoreConfig& config);

}  // namespace tools

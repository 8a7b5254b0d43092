#pragma once

#include "lmtp/path.hpp"

#include <string>

namespace lmtpd {

/// What imapd.conf(5) says about the addresses of recipients; options in brackets.
struct RecipientRules {
  bool fold_case = true;         ///< [lmtp_downcase_rcpt]
  bool virtual_domains = false;  ///< [virtdomains] is not off
  std::string default_domain;    ///< [defaultdomain]: cut off under virtual domains
  std::string post_user;         ///< [postuser]: the user part of addresses of shared folders
};

/// Whose mailbox an address means.
struct Target {
  std::string user;     ///< with domain under virtual domains; not known to exist
  std::string domain;   ///< of a shared folder, under virtual domains
  std::string folder;   ///< what stands behind the first '+' of the local part, as it stands; empty: INBOX
  bool shared = false;  ///< the address of a shared folder: `user` is empty
};

/// `user+folder@domain`. Without virtual domains the domain means nothing: who hands mail over has seen to it. Pure.
Target target_of(const lmtp::Path& path, const RecipientRules& rules);

}  // namespace lmtpd

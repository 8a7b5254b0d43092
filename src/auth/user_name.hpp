#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace auth {

/// Bytes of a canonical name, domain included: what every Cyrus program can hold.
inline constexpr std::size_t kMaxUserName = 80;
/// Bytes of the folder after '+': no mailbox name is longer.
inline constexpr std::size_t kMaxSubfolder = 490;
/// Bytes that are looked at all.
inline constexpr std::size_t kMaxTypedName = 1024;

enum class VirtualDomains { off, userid, on };

/// What imapd.conf says about login names, as plain values.
struct NameRules {
  VirtualDomains virtual_domains = VirtualDomains::off;
  std::string default_domain;  ///< defaultdomain: cut off under virtdomains; empty: none
  std::string local_domain;    ///< added under `virtdomains: on` where none was typed; empty: none known
  bool fold_case = true;       ///< username_tolower
  bool subfolders = false;     ///< popsubfolders
  bool hierarchy_dot = false;  ///< '.' separates folders, so it is no letter of a local part
};

/// A login name as the mail store and the password back ends know it.
struct UserName {
  std::string user;
  std::string subfolder;  ///< what was typed after '+', as typed; empty: INBOX

  UserName(std::string name, std::string folder) : user(std::move(name)), subfolder(std::move(folder)) {}
};

/// Brings what a client typed into canonical form. Pure; looks at no more than kMaxTypedName bytes.
///
/// White space at the ends goes. With `subfolders` the text from the first '+' on (under virtual domains up to the '@')
/// is the folder. Under virtual domains the last '@', or else the last '%', begins the domain. `anonymous` in any case
/// and any domain becomes "anonymous", `anyone` and `anybody` become "anyone".
///
/// Errors: limit (too long); invalid (empty, a byte that no name may hold, no local part, no domain after '@', more
/// than one '@' under virtual domains, a second '+' where '+' begins a folder, a separator dot).
base::Result<UserName> canonical_name(std::string_view typed, const NameRules& rules);

}  // namespace auth

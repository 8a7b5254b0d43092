#pragma once

#include <string>
#include <string_view>

/// Lists of identifiers in imapd.conf: admins, proxyservers, autocreate_users, loginrealms.
namespace base {

/// True when one of the words of `list` is `word`, letters of either case alike.
bool lists_realm(std::string_view list, std::string_view word);

/// True when `list` names `user` (exactly, as in the file), "anyone", or, with `groups`, `group:NAME` of a unix group
/// that the user belongs to. With `groups` it asks the name service, but only if the list has such a word, and may
/// block.
bool lists_user(std::string_view list, const std::string& user, bool groups);

}  // namespace base

#pragma once

#include <chrono>
#include <cstdint>

/// How often a user may log in (options popminpoll and poppollpadding; doc/format/update.md). Times are seconds since
/// 1970; pop3_last_login of cyrus.index is the only memory. Pure.
namespace cyrus {

/// True when a login at `now` comes before popminpoll has passed since `last_login`.
bool is_too_soon(std::uint64_t last_login, std::uint64_t now, std::chrono::seconds min_poll);

/// What pop3_last_login becomes at the QUIT of a session that logged in at `login`: that time; with padding above 1, so
/// that some logins in a row may come early, one interval more than before, but never so little that more than
/// `padding` logins were saved up.
std::uint64_t next_last_login(std::uint64_t last_login, std::uint64_t login, std::chrono::seconds min_poll,
                              int padding);

}  // namespace cyrus

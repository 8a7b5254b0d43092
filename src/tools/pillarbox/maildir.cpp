#include "tools/pillarbox/maildir.hpp"

#include "cyrus/index_record.hpp"

namespace tools {

std::uint32_t maildir_flags(std::string_view name) {
  // File systems that cannot have a colon get another separator; "2," is the same everywhere.
  const auto at = name.rfind("2,");
  if (at == std::string_view::npos || at == 0) return 0;
  const char separator = name[at - 1];
  if (separator != ':' && separator != ';' && separator != '!') return 0;
  std::uint32_t flags = 0;
  for (const char c : name.substr(at + 2)) {
    if (c == 'D') flags |= cyrus::flag_bit::kDraft;
    if (c == 'F') flags |= cyrus::flag_bit::kFlagged;
    if (c == 'R') flags |= cyrus::flag_bit::kAnswered;
    if (c == 'S') flags |= cyrus::flag_bit::kSeen;
    if (c == 'T') flags |= cyrus::flag_bit::kDeleted;
  }
  return flags;
}

}  // namespace tools

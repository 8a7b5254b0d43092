#include "base/word_list.hpp"

#include "base/ascii.hpp"

#include <cerrno>
#include <cstddef>
#include <grp.h>
#include <pwd.h>
#include <vector>

namespace base {
namespace {

constexpr std::string_view kGroupPrefix = "group:";
constexpr std::size_t kMaxEntry = std::size_t{1} << 20;  // of one passwd or group line, members included

/// The first word of `list`, which becomes the rest; empty at the end.
std::string_view next_word(std::string_view& list) {
  while (!list.empty() && ascii::is_space(list.front())) list.remove_prefix(1);
  std::size_t length = 0;
  while (length < list.size() && !ascii::is_space(list[length])) ++length;
  const auto word = list.substr(0, length);
  list.remove_prefix(length);
  return word;
}

/// Calls `look_up(buffer)`, one of the re-entrant get..._r functions, with more and more room while it says ERANGE.
template <class LookUp>
void with_room(LookUp look_up) {
  std::vector<char> buffer(1024);
  while (look_up(buffer) == ERANGE && buffer.size() < kMaxEntry) buffer.resize(buffer.size() * 2);
}

/// True when the group exists and the user is in it, also as primary group.
bool in_group(const std::string& user, const std::string& group) {
  ::group entry{};
  ::group* found = nullptr;
  bool member = false;
  gid_t gid = 0;
  with_room([&](std::vector<char>& buffer) {
    const int code = ::getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (code == 0 && found != nullptr) {
      gid = found->gr_gid;
      for (char** name = found->gr_mem; *name != nullptr; ++name) member = member || user == *name;
    }
    return code;
  });
  if (found == nullptr || member) return member;

  ::passwd person{};
  ::passwd* known = nullptr;
  with_room([&](std::vector<char>& buffer) {
    const int code = ::getpwnam_r(user.c_str(), &person, buffer.data(), buffer.size(), &known);
    member = code == 0 && known != nullptr && known->pw_gid == gid;
    return code;
  });
  return member;
}

}  // namespace

bool lists_realm(std::string_view list, std::string_view word) {
  for (auto item = next_word(list); !item.empty(); item = next_word(list)) {
    if (ascii::equal_ignoring_case(item, word)) return true;
  }
  return false;
}

bool lists_user(std::string_view list, const std::string& user, bool groups) {
  for (auto item = next_word(list); !item.empty(); item = next_word(list)) {
    if (item == user || item == "anyone") return true;
    if (groups && item.substr(0, kGroupPrefix.size()) == kGroupPrefix &&
        in_group(user, std::string{item.substr(kGroupPrefix.size())})) {
      return true;
    }
  }
  return false;
}

}  // namespace base

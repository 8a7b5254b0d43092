#include "cyrus/acl.hpp"

namespace cyrus {
namespace {

Rights rights_in(std::string_view letters) {
  const auto has = [letters](char letter) { return letters.find(letter) != std::string_view::npos; };
  Rights rights;
  rights.look_up = has('l');
  rights.read = has('r');
  rights.keep_seen = has('s');
  rights.delete_messages = has('t') || (has('d') && !has('e'));
  rights.post = has('p');
  return rights;
}

}  // namespace

Rights rights_of(std::string_view userid, const std::vector<AclEntry>& acl, std::string_view implicit) {
  Rights given = rights_in(implicit);
  Rights taken;
  for (const AclEntry& entry : acl) {
    std::string_view identifier = entry.identifier;
    const bool takes = identifier.starts_with('-');
    if (takes) identifier.remove_prefix(1);
    const bool is_group = identifier.starts_with("group:");
    if (identifier != userid && identifier != "anyone" && !(is_group && takes)) continue;
    const Rights rights = rights_in(entry.rights);
    Rights& into = takes ? taken : given;
    into.look_up = into.look_up || rights.look_up;
    into.read = into.read || rights.read;
    into.keep_seen = into.keep_seen || rights.keep_seen;
    into.delete_messages = into.delete_messages || rights.delete_messages;
    into.post = into.post || rights.post;
  }
  return Rights{given.read && !taken.read, given.keep_seen && !taken.keep_seen,
                given.delete_messages && !taken.delete_messages, given.post && !taken.post,
                given.look_up && !taken.look_up};
}

std::optional<std::string> stored_rights(std::string_view letters) {
  constexpr std::string_view kOrder = "lrswipkxtecdan0123456789";
  std::string all(letters);
  if (all.find_first_not_of(kOrder) != std::string::npos) return std::nullopt;
  const auto has_any_of = [&all](std::string_view some) { return all.find_first_of(some) != std::string::npos; };
  if (has_any_of("c")) all += "kx";
  if (has_any_of("d")) all += "te";
  if (has_any_of("kx")) all += 'c';
  if (has_any_of("te")) all += 'd';
  std::string stored;
  for (const char letter : kOrder) {
    if (all.find(letter) != std::string::npos) stored += letter;
  }
  return stored;
}

}  // namespace cyrus

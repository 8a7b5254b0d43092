#pragma once

#include "cyrus/mailbox_record.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cyrus {

/// What is asked of an access list: by POP3 with option popuseacl, and by delivery into folders.
struct Rights {
  bool read = false;             ///< r: open the maildrop
  bool keep_seen = false;        ///< s: mark what was retrieved as \Seen
  bool delete_messages = false;  ///< t: DELE
  bool post = false;             ///< p: a message may be sent to the folder
  bool look_up = false;          ///< l: see that it is there

  friend bool operator==(const Rights&, const Rights&) = default;
};

/// The rights of `userid`: those of its own lines and of `anyone`, and `implicit` (implicit_owner_rights), without
/// those of the lines that begin with '-'. The old letter d stands for t and e in a line that has neither.
///
/// Who is in a group is not known here: a line of a group gives nothing, and one that takes away takes from everybody.
Rights rights_of(std::string_view userid, const std::vector<AclEntry>& acl, std::string_view implicit);

/// The rights that `letters` give, in Cyrus's order and with the old letters c and d beside what they stand for, as
/// Cyrus stores them. nullopt: one of them is no right.
std::optional<std::string> stored_rights(std::string_view letters);

}  // namespace cyrus

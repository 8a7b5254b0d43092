#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cyrus {

/// One item of the list text in which Cyrus writes mailboxes.db and cyrus.header: `%(T e A %(ann lrs) U (Work Home))`
/// (doc/format/mailboxes-db.md).
struct Dlist {
  enum class Kind {
    nil,     ///< the word NIL: absent
    string,  ///< bare, quoted or literal: `text`
    list,    ///< (a b): `items`
    fields,  ///< %(k v k v): `keys` and `items`, of one length
  };

  Kind kind = Kind::nil;
  std::string text;
  std::vector<std::string> keys;
  std::vector<Dlist> items;

  /// The value of a key of `fields`; the first one should it come twice. Null when there is none, it is NIL, or this is
  /// no field list. Points into this object.
  const Dlist* find(std::string_view key) const;

  /// The string of a key; nullopt when absent, NIL or not a string. Points into this object.
  std::optional<std::string_view> string(std::string_view key) const;
};

/// Lists within lists; what Cyrus writes has four levels at most.
inline constexpr int kMaxDlistDepth = 16;

/// Reads one item that fills `text`. Takes every spelling that a Cyrus release writes: bare words, quoted strings,
/// literals `{5}` and `{5+}`. Errors: corrupt (the text says what and at which octet).
base::Result<Dlist> parse_dlist(std::string_view text);

/// A string item.
Dlist dlist_string(std::string text);

/// Appends an item in the spelling that Cyrus uses for it: a string bare, else quoted, else as a literal.
void append_dlist(const Dlist& item, std::string& to);

/// Appends one string in that spelling.
void append_dlist_string(std::string_view text, std::string& to);

/// An unsigned decimal number and nothing else; nullopt for anything else, or when it does not fit.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

}  // namespace cyrus

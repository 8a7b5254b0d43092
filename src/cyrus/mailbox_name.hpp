#pragma once

#include "base/result.hpp"
#include "cyrus/store_config.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cyrus {

/// Longest intname, in octets, that every Cyrus release takes.
inline constexpr std::size_t kMaxIntname = 490;

/// The name of a mailbox, in the two spellings that Cyrus uses (doc/format/layout.md): the *intname*
/// "example.com!user.al^dot.sub", which is in cyrus.header, lock names, quota roots and logs, and the *dbname*
/// "example.com\x1Duser\x1Fal.dot\x1Fsub", which is in mailboxes.db of 3.6 and later.
///
/// Always well-formed: at least one component, none empty, ".", ".." or with '/', '!' or a control byte. So no
/// MailboxName leads out of a partition when a path is made of it.
class MailboxName {
 public:
  /// The INBOX of `userid` ("fred", "fred@example.com"; split at the last '@'; default_domain is dropped), or the
  /// folder `subfolder` below it, whose components are separated by '/' or, with unix_hierarchy_sep off, by '.'.
  ///
  /// Errors: invalid (not a possible name: the rules above; with unix_hierarchy_sep off a '.' in the local part; with
  /// it on a '^' there, because "a^b" and "a.b" would be one mailbox; the intname is longer than kMaxIntname).
  static base::Result<MailboxName> of_user(std::string_view userid, std::string_view subfolder,
                                           const StoreConfig& config);

  /// The shared mailbox `name` of `domain` (default_domain and "" are none), components separated as above. Errors:
  /// invalid (likewise; a name in the tree of a user, or among the deleted).
  static base::Result<MailboxName> of_shared(std::string_view name, std::string_view domain, const StoreConfig& config);

  /// A name as in cyrus.header, for any kind of mailbox. Errors: invalid.
  static base::Result<MailboxName> from_intname(std::string_view intname);

  /// A name as in mailboxes.db of 3.6 and later, without the N. Errors: invalid.
  static base::Result<MailboxName> from_dbname(std::string_view dbname);

  const std::string& intname() const { return intname_; }
  std::string dbname() const;

  /// Empty: none, or the default one.
  const std::string& domain() const { return domain_; }
  /// In the intname's spelling, with '^' for a dot: "user", "al^dot", "sub".
  const std::vector<std::string>& components() const { return components_; }

  /// The owner: "al.dot@example.com" for everything in that user's INBOX tree; empty for shared and deleted mailboxes.
  std::string userid() const;
  /// The INBOX of the owner. The name must have one (CHECK).
  MailboxName inbox() const;

  friend bool operator==(const MailboxName& a, const MailboxName& b) { return a.intname_ == b.intname_; }

 private:
  MailboxName(std::string domain, std::vector<std::string> components);
  static base::Result<MailboxName> make(std::string domain, std::vector<std::string> components);

  std::string domain_;
  std::vector<std::string> components_;
  std::string intname_;
};

/// The directory letter of `name` (hashimapspool): its first letter in lower case, 'q' when that is none; with `full`
/// (fulldirhash) one of 'A'..'W' computed from all octets before the first '.'.
char hash_letter(std::string_view name, bool full);

}  // namespace cyrus

#pragma once

#include "base/result.hpp"
#include "cyrus/mailbox_record.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cyrus {

/// User flags of a mailbox have slots 0..127, one bit each in every index record.
inline constexpr std::size_t kMaxUserFlags = 128;

/// What cyrus.header says about a mailbox (doc/format/header.md).
struct MailboxHeader {
  std::string intname;     ///< empty in the form of 3.4 and older
  std::string type;        ///< letters as in mailboxes.db; empty in the older form
  std::string uniqueid;    ///< empty only in very old files
  std::string jmap_id;     ///< J key of newer releases, else empty
  std::string quota_root;  ///< empty: none
  std::vector<AclEntry> acl;
  std::vector<std::string> user_flags;  ///< names by slot; empty: a free slot
};

/// The 115 bytes with which each cyrus.header begins.
std::string_view mailbox_header_magic();

/// Decodes a whole cyrus.header: the one-line dlist of 3.6 and later, or the three lines of older releases. Pure.
/// `what` begins error texts ("mailbox user.ann: cyrus.header"). Errors: corrupt.
base::Result<MailboxHeader> parse_mailbox_header(std::string_view bytes, std::string_view what);

/// A whole cyrus.header in the form of 3.6 and later. Pure.
std::string encode_mailbox_header(const MailboxHeader& header);

/// What of a cyrus.header changes; nullopt stays.
struct MailboxHeaderChange {
  std::optional<std::string> intname;     ///< not kept in the form of 3.4 and older
  std::optional<std::string> quota_root;  ///< empty: none
};

/// A whole cyrus.header after `change`, in the form that it has; everything else, known or not, is kept. Pure.
/// Errors: corrupt.
base::Result<std::string> change_mailbox_header(std::string_view bytes, const MailboxHeaderChange& change,
                                                std::string_view what);

}  // namespace cyrus

#pragma once

#include "cyrus/store_config.hpp"
#include "maildrop/maildrop.hpp"

#include <cstdint>
#include <string>

namespace cyrus {

/// How the unique-ids of one mailbox look. Fixed for a session.
struct UidlRule {
  UidlFormat format = UidlFormat::cyrus;  ///< uidl_format
  std::uint32_t uidvalidity = 0;
  /// Mailbox option POP3_NEW_UIDL as IndexHeader::options has it. Without it the unique-id is the bare UID whatever
  /// uidl_format says: clients of mailboxes from before the option would fetch everything again.
  bool new_uidl = true;
};

/// Appends the unique-id of a message (RFC 1939 s7): 1 to 21 octets of 0x21..0x7E.
void append_unique_id(const UidlRule& rule, maildrop::Uid uid, std::string& to);

}  // namespace cyrus

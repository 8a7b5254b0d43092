#pragma once

#include "cyrus/index_header.hpp"
#include "cyrus/index_record.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace cyrus {

/// The lines that option auditlog asks for, in the words of Cyrus 3.6. Pure.
class AuditLines {
 public:
  AuditLines(std::string_view session_id, std::string_view intname, std::string_view uniqueid);

  /// A record got other flags.
  std::string touched(std::uint32_t old_flags, const IndexRecord& changed) const;
  /// A message was expunged; follows its touched().
  std::string expunged(const IndexRecord& changed) const;
  /// A message came in.
  std::string appended(const IndexRecord& record, std::string_view message_id) const;
  /// What the mailbox counted up to.
  std::string modseq(const IndexHeader& header) const;

 private:
  std::string where_;
};

}  // namespace cyrus

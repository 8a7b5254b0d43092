#include "cyrus/audit_log.hpp"

#include <array>
#include <span>
#include <utility>

namespace cyrus {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 11> kFlagCodes{{{0, "AN"},
                                                                       {1, "FL"},
                                                                       {2, "DE"},
                                                                       {3, "DR"},
                                                                       {4, "SE"},
                                                                       {26, "SN"},
                                                                       {27, "SP"},
                                                                       {28, "NC"},
                                                                       {29, "AR"},
                                                                       {30, "UN"},
                                                                       {31, "EX"}}};

std::string flag_codes(std::uint32_t flags) {
  std::string text;
  for (const auto& [bit, code] : kFlagCodes) {
    if (((flags >> bit) & 1) == 0) continue;
    if (!text.empty()) text += '|';
    text += code;
  }
  return text;
}

std::string hex(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string conversation(std::uint64_t cid) {
  if (cid == 0) return "NIL";
  std::array<unsigned char, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(cid >> (56 - 8 * i));
  return hex(bytes);
}

std::string field(std::string_view key, const std::string& value) {
  return ' ' + std::string(key) + "=<" + value + '>';
}

}  // namespace

AuditLines::AuditLines(std::string_view session_id, std::string_view intname, std::string_view uniqueid)
    : where_(field("sessionid", std::string(session_id)) + field("mailbox", std::string(intname)) +
             field("uniqueid", std::string(uniqueid))) {}

std::string AuditLines::touched(std::uint32_t old_flags, const IndexRecord& changed) const {
  return "auditlog: touched" + where_ + field("uid", std::to_string(changed.uid)) + field("guid", hex(changed.guid)) +
         field("cid", conversation(changed.cid)) + field("modseq", std::to_string(changed.modseq)) +
         field("oldflags", flag_codes(old_flags)) + field("sysflags", flag_codes(changed.flags));
}

std::string AuditLines::expunged(const IndexRecord& changed) const {
  return "auditlog: expunge" + where_ + field("uid", std::to_string(changed.uid)) +
         field("modseq", std::to_string(changed.modseq)) + field("sysflags", flag_codes(changed.flags)) +
         field("guid", hex(changed.guid)) + field("size", std::to_string(changed.size));
}

std::string AuditLines::appended(const IndexRecord& record, std::string_view message_id) const {
  return "auditlog: append" + where_ + field("uid", std::to_string(record.uid)) +
         field("modseq", std::to_string(record.modseq)) + field("sysflags", flag_codes(record.flags)) +
         field("guid", hex(record.guid)) + field("cid", conversation(record.cid)) +
         field("messageid", std::string(message_id)) + field("size", std::to_string(record.size));
}

std::string AuditLines::modseq(const IndexHeader& header) const {
  return "auditlog: modseq" + where_ + field("highestmodseq", std::to_string(header.highestmodseq)) +
         field("deletedmodseq", std::to_string(header.deletedmodseq));
}

}  // namespace cyrus

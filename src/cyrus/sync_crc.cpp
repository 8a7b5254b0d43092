#include "cyrus/sync_crc.hpp"

#include "base/ascii.hpp"
#include "base/crc32.hpp"

#include <array>
#include <cstddef>
#include <utility>

namespace cyrus {
namespace {

constexpr std::array<std::pair<std::uint32_t, std::string_view>, 5> kSystemFlags{{{flag_bit::kAnswered, "\\answered"},
                                                                                  {flag_bit::kFlagged, "\\flagged"},
                                                                                  {flag_bit::kDeleted, "\\deleted"},
                                                                                  {flag_bit::kDraft, "\\draft"},
                                                                                  {flag_bit::kSeen, "\\seen"}}};

std::uint32_t flags_crc(const IndexRecord& record, const std::vector<std::string>& user_flags) {
  std::uint32_t crc = 0;
  for (const auto& [bit, name] : kSystemFlags) {
    if (record.has(bit)) crc ^= base::crc32(name);
  }
  for (std::size_t slot = 0; slot < user_flags.size() && slot < record.user_flags.size() * 32; ++slot) {
    if (user_flags[slot].empty() || ((record.user_flags[slot / 32] >> (slot % 32)) & 1) == 0) continue;
    crc ^= base::crc32(base::ascii::lower(user_flags[slot]));
  }
  return crc;
}

/// Lower-case hexadecimal, at least `digits` wide.
std::string hex(std::uint64_t number, std::size_t digits) {
  std::string text;
  for (; number != 0 || text.size() < digits; number >>= 4) {
    text.insert(text.begin(), "0123456789abcdef"[number & 15]);
  }
  return text;
}

}  // namespace

std::uint32_t sync_crc_basic(const IndexRecord& record, const std::vector<std::string>& user_flags) {
  if (record.has(flag_bit::kExpunged)) return 0;
  std::string text = std::to_string(record.uid);
  text += ' ' + std::to_string(record.modseq);
  // Whole seconds, also where the index has nanoseconds.
  text += ' ' + std::to_string(record.last_updated.seconds);
  text += " (" + std::to_string(flags_crc(record, user_flags)) + ") ";
  text += std::to_string(record.internaldate.seconds) + ' ';
  for (const unsigned char byte : record.guid) text += hex(byte, 2);
  return base::crc32(text);
}

std::uint32_t sync_crc_virtual_annotations(std::uint32_t index_version, const IndexRecord& record) {
  if (record.has(flag_bit::kExpunged)) return 0;
  std::uint32_t crc = 0;
  const auto add = [&](std::string_view name, const std::string& value) {
    crc ^= sync_crc_annotation(record.uid, "/vendor/cmu/cyrus-imapd/" + std::string(name), "", value);
  };
  // Fields that a version lacks read as zero. The two spellings of cid differ when it begins with a zero digit only.
  if (record.cid != 0) add("thrid", hex(record.cid, index_version >= 20 ? 16 : 1));
  if (record.savedate.seconds != 0) add("savedate", std::to_string(record.savedate.seconds));
  if (record.createdmodseq != 0) add("createdmodseq", std::to_string(record.createdmodseq));
  if (record.internaldate.nanoseconds != 0) {
    add("internaldate.nsec", std::to_string(record.internaldate.nanoseconds));
  }
  if (record.basecid != 0) add("basethrid", hex(record.basecid, 16));
  return crc;
}

std::uint32_t sync_crc_annotation(std::uint32_t uid, std::string_view entry, std::string_view userid,
                                  std::string_view value) {
  std::string text = std::to_string(uid);
  text += ' ';
  text += entry;
  text += ' ';
  text += userid;
  text += ' ';
  text += value;
  return base::crc32(text);
}

}  // namespace cyrus

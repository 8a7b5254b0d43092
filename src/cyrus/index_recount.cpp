#include "cyrus/index_recount.hpp"

#include "cyrus/sync_crc.hpp"

#include <algorithm>

namespace cyrus {

IndexRecount::IndexRecount(std::uint32_t version, std::vector<std::string> user_flags, std::string owner)
    : version_(version),
      user_flags_(std::move(user_flags)),
      owner_(std::move(owner)),
      sync_crc_annot_(kSyncCrcAnnotStart) {}

void IndexRecount::add(const IndexRecord& record, const std::vector<MessageAnnotation>& annotations) {
  last_uid_ = std::max(last_uid_, record.uid);
  highestmodseq_ = std::max(highestmodseq_, record.modseq);
  needs_cleanup_ = needs_cleanup_ || record.has(flag_bit::kNeedsCleanup);
  if (record.has(flag_bit::kExpunged)) {
    if (!record.has(flag_bit::kUnlinked)) expunged_used_ += record.size;
    const bool first = first_expunged_ == Time{} || record.last_updated < first_expunged_;
    if (first) first_expunged_ = record.last_updated;
    return;
  }
  ++exists_;
  used_ += record.size;
  if (record.has(flag_bit::kAnswered)) ++answered_;
  if (record.has(flag_bit::kFlagged)) ++flagged_;
  if (!record.has(flag_bit::kSeen)) ++unseen_;
  if (record.has(flag_bit::kDeleted)) {
    ++deleted_;
    deleted_used_ += record.size;
  }
  sync_crc_basic_ ^= sync_crc_basic(record, user_flags_);
  sync_crc_annot_ ^= sync_crc_virtual_annotations(version_, record);
  for (const MessageAnnotation& annotation : annotations) {
    annotations_used_ += annotation.value.size();
    const std::string& userid = annotation.userid == kAnnotationOwner ? owner_ : annotation.userid;
    sync_crc_annot_ ^= sync_crc_annotation(record.uid, annotation.entry, userid, annotation.value);
  }
}

// Cyrus: they take room, but are in no CRC.
void IndexRecount::add_of_mailbox(const std::vector<MessageAnnotation>& annotations) {
  for (const MessageAnnotation& annotation : annotations) annotations_used_ += annotation.value.size();
}

std::vector<std::string> IndexRecount::differences(const IndexHeader& header) const {
  std::vector<std::string> found;
  const auto compare = [&](std::string_view name, bool present, std::uint64_t is, std::uint64_t should) {
    if (!present || is == should) return;
    found.push_back(std::string(name) + " is " + std::to_string(is) + ", should be " + std::to_string(should));
  };
  const IndexHeaderLayout& at = header.format_table->header;
  compare("exists", true, header.exists, exists_);
  compare("answered", true, header.answered, answered_);
  compare("flagged", true, header.flagged, flagged_);
  compare("deleted", true, header.deleted, deleted_);
  compare("unseen", at.unseen.present(), header.unseen, unseen_);
  compare("quota_mailbox_used", true, header.quota_mailbox_used, used_);
  compare("quota_annot_used", at.quota_annot_used.present(), header.quota_annot_used, annotations_used_);
  compare("quota_deleted_used", at.quota_deleted_used.present(), header.quota_deleted_used, deleted_used_);
  compare("quota_expunged_used", at.quota_expunged_used.present(), header.quota_expunged_used, expunged_used_);
  compare("sync_crc_basic", true, header.sync_crc_basic, sync_crc_basic_);
  compare("sync_crc_annot", at.sync_crc_annot.present(), header.sync_crc_annot, sync_crc_annot_);

  const auto at_least = [&](std::string_view name, std::uint64_t is, std::uint64_t least) {
    if (is >= least) return;
    found.push_back(std::string(name) + " is " + std::to_string(is) + ", but a record has " + std::to_string(least));
  };
  at_least("last_uid", header.last_uid, last_uid_);
  at_least("highestmodseq", header.highestmodseq, highestmodseq_);
  if (first_expunged_ != Time{} && (header.first_expunged == Time{} || header.first_expunged > first_expunged_)) {
    found.push_back("first_expunged is " + std::to_string(header.first_expunged.seconds) + ", but a record has " +
                    std::to_string(first_expunged_.seconds));
  }
  if (needs_cleanup_ && !header.has_option(option_bit::kNeedsUnlink)) {
    found.emplace_back("a record waits for its cleanup, and no option says so");
  }
  return found;
}

}  // namespace cyrus

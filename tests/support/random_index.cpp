#include "support/random_index.hpp"

namespace support {
namespace {

std::uint32_t number(Random& random) { return static_cast<std::uint32_t>(random()); }

cyrus::Time time(Random& random, std::uint32_t version) {
  if (version < 20) return {number(random), 0};
  return {pick(random, 0, 10'000'000'000), static_cast<std::uint32_t>(pick(random, 0, 999'999'999))};
}

}  // namespace

cyrus::IndexHeader random_header(Random& random, std::uint32_t version) {
  const auto has = [version](std::uint32_t since) { return version >= since; };
  cyrus::IndexHeader h;
  h.minor_version = version;
  h.generation_no = number(random);
  h.num_records = number(random);
  h.last_appenddate = time(random, version);
  h.last_uid = number(random);
  h.quota_mailbox_used = random();
  h.pop3_last_login = time(random, version);
  h.uidvalidity = number(random);
  h.deleted = number(random);
  h.answered = number(random);
  h.flagged = number(random);
  h.options = number(random);
  h.leaked_cache_records = number(random);
  h.highestmodseq = pick(random, 1, ~std::uint64_t{0});
  h.deletedmodseq = random();
  h.exists = static_cast<std::uint32_t>(pick(random, 1, 0xffffffff));
  h.first_expunged = time(random, version);
  h.last_repack_time = time(random, version);
  h.header_file_crc = number(random);
  h.sync_crc_basic = number(random);
  h.recentuid = number(random);
  h.recenttime = time(random, version);
  if (has(13)) h.pop3_show_after = time(random, version);
  if (has(13)) h.quota_annot_used = has(20) ? random() : number(random);
  if (has(13)) h.sync_crc_annot = number(random);
  if (has(14)) h.unseen = number(random);
  if (has(16)) h.createdmodseq = random();
  if (has(17)) h.changes_epoch = time(random, version);
  if (has(18)) h.quota_deleted_used = random();
  if (has(18)) h.quota_expunged_used = random();
  return h;
}

cyrus::IndexRecord random_record(Random& random, std::uint32_t version) {
  const auto has = [version](std::uint32_t since) { return version >= since; };
  cyrus::IndexRecord r;
  r.uid = number(random);
  r.internaldate = time(random, version);
  r.sentdate = time(random, version);
  r.size = has(20) ? random() : number(random);
  r.header_size = number(random);
  r.gmtime = time(random, version);
  r.cache_offset = pick(random, 0, (std::uint64_t{1} << 48) - 1);
  r.last_updated = time(random, version);
  r.flags = number(random);
  for (auto& word : r.user_flags) word = number(random);
  if (has(15)) {
    r.savedate = time(random, version);
  } else {
    r.content_lines = number(random);
  }
  r.cache_version = static_cast<std::uint16_t>(random());
  for (auto& byte : r.guid) byte = static_cast<unsigned char>(random());
  r.modseq = random();
  if (has(13)) r.cid = random();
  if (has(16)) r.createdmodseq = random();
  if (has(20)) r.basecid = random();
  r.cache_crc = number(random);
  return r;
}

}  // namespace support

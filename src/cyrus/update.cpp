// One pass through the steps of doc/format/update.md: find out what would change, with nothing written; then, in a
// child process that outlives a kill of this one, the quota file, which can be taken back; cyrus.index, which takes
// itself back when it fails; and what only tells others. A child that dies is taken back here, where the bytes from
// before are known.

#include "cyrus/update.hpp"

#include "base/run_apart.hpp"
#include "cyrus/audit_log.hpp"
#include "cyrus/index_change.hpp"
#include "cyrus/index_writer.hpp"
#include "cyrus/message_annotations.hpp"
#include "cyrus/open_mailbox.hpp"
#include "cyrus/poll_limit.hpp"
#include "cyrus/quota_file.hpp"
#include "cyrus/status_cache.hpp"
#include "cyrus/tell_others.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cyrus {
namespace {

using base::Errc;

/// One message that a session wants changed.
struct Wish {
  std::uint32_t uid = 0;
  bool expunge = false;                 // else: mark as seen
  std::optional<std::uint64_t> octets;  // what the scan listing said
};

/// The wishes of `changes` in ascending order, one for each message.
std::vector<Wish> wishes_of(const maildrop::Update& changes, bool mark_seen) {
  std::vector<Wish> wishes;
  for (std::size_t i = 0; i < changes.deleted.size(); ++i) {
    Wish wish{maildrop::value(changes.deleted[i]), true, {}};
    if (i < changes.deleted_octets.size()) wish.octets = changes.deleted_octets[i];
    wishes.push_back(wish);
  }
  if (mark_seen) {
    for (const maildrop::Uid uid : changes.retrieved) wishes.push_back(Wish{maildrop::value(uid), false, {}});
  }
  // Of two wishes for one message the deletion stays.
  std::ranges::stable_sort(wishes, {}, &Wish::uid);
  const auto same = [](const Wish& a, const Wish& b) { return a.uid == b.uid; };
  wishes.erase(std::unique(wishes.begin(), wishes.end(), same), wishes.end());
  return wishes;
}

std::uint64_t seconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

/// What keeps records from being changed: something would have to change with them that this version does not write.
std::optional<std::string> unwritable(const StoreConfig& config, const MailboxName& name) {
  if (config.conversations) return "imapd.conf says conversations, whose database this version does not write";
  // Old counts that nobody takes out of there would hide the change from Cyrus.
  const auto status = read_status(config, name);
  if (!status && status.error().code == Errc::unsupported) return status.error().text;
  return std::nullopt;
}

/// One attempt at an update, from its first lock to its last.
class Attempt {
 public:
  Attempt(const SnapshotIdentity& identity, const maildrop::Update& changes, std::vector<Wish> wishes,
          const StoreConfig& config, const MailboxList& mailboxes, const base::Log& log)
      : identity_(identity),
        changes_(changes),
        wishes_(std::move(wishes)),
        config_(config),
        mailboxes_(mailboxes),
        log_(log),
        what_("mailbox " + identity.name.intname()) {}

  base::Result<maildrop::UpdateReport> run() {
    const auto mailbox = open_mailbox(identity_.name, config_, mailboxes_, base::LockMode::exclusive);
    if (!mailbox) return tl::unexpected(mailbox.error());
    auto index = IndexWriter::open(mailbox->locks.index_fd(), what_ + ": cyrus.index");
    if (!index) return tl::unexpected(index.error());
    const auto header_file = read_mailbox_header(*mailbox, index->header(), log_);
    if (!header_file) return tl::unexpected(header_file.error());
    if (const auto same = check_same_mailbox(index->header(), *header_file); !same) {
      return tl::unexpected(same.error());
    }

    RecordEdits edits(index->header().record_size);
    if (const auto found = find_records(*index, edits); !found) return tl::unexpected(found.error());
    IndexChange change(index->header(), index->header_bytes(), header_file->user_flags, identity_.name.userid(),
                       seconds_since_1970());
    change.set_pop3_last_login(next_last_login(index->header().pop3_last_login.seconds, identity_.login_time,
                                               config_.pop_min_poll, config_.pop_poll_padding));
    if (const auto changed = change_records(mailbox->paths, edits, change); !changed) {
      return tl::unexpected(changed.error());
    }

    auto quota = prepare_quota_change(header_file->quota_root, change.usage_change(), identity_.name, config_, log_);
    if (!quota) return tl::unexpected(std::move(quota.error()));
    if (const auto written = write(*index, edits, change.header_bytes(), *quota); !written) {
      return tl::unexpected(written.error());
    }
    log_audit_lines(header_file->uniqueid, change.header());
    maildrop::UpdateReport report;
    report.removed = removed_uids_.size();
    report.removed_uids = std::move(removed_uids_);
    return report;
  }

 private:
  base::Result<void> check_same_mailbox(const IndexHeader& header, const MailboxHeader& header_file) const {
    const auto gone = [this](std::string_view why) {
      return base::fail(Errc::not_found, what_ + ": " + std::string(why) + " since the login");
    };
    if (header.has_option(option_bit::kDeleted)) return gone("was deleted");
    if (header_file.uniqueid != identity_.uniqueid) return gone("was replaced by another mailbox");
    if (header.uidvalidity != identity_.uidvalidity) return gone("got another uidvalidity");
    return {};
  }

  /// Looks up what is wished for. What is gone, or is already as wished, needs no change.
  base::Result<void> find_records(IndexWriter& index, RecordEdits& edits) {
    const IndexFormat& format = *index.header().format_table;
    for (const Wish& wish : wishes_) {
      const auto found = index.find(wish.uid);
      if (!found) return tl::unexpected(found.error());
      if (found->bytes.empty()) continue;
      const IndexRecord record = decode_index_record(format, found->bytes);
      if (record.has(flag_bit::kExpunged)) continue;
      if (wish.octets && record.size != *wish.octets) {
        return base::fail(Errc::corrupt, what_ + ": cyrus.index: UID " + std::to_string(wish.uid) + " has " +
                                             std::to_string(record.size) + " octets, at the login it had " +
                                             std::to_string(*wish.octets));
      }
      if (!wish.expunge && record.has(flag_bit::kSeen)) continue;
      edits.add(found->number, found->bytes);
      expunge_.push_back(wish.expunge);
    }
    return {};
  }

  /// Deletions first, then \Seen, as Cyrus gives out modseqs.
  base::Result<void> change_records(const MailboxPaths& paths, RecordEdits& edits, IndexChange& change) {
    std::optional<MessageAnnotations> annotations;
    for (const bool expunge : {true, false}) {
      for (std::size_t i = 0; i < edits.size(); ++i) {
        if (expunge_[i] != expunge) continue;
        const IndexRecord old = decode_index_record(*change.header().format_table, edits.before(i));
        if (!expunge) {
          note(old, change.mark_seen(edits.after(i)));
          continue;
        }
        if (!annotations) {
          auto opened = MessageAnnotations::open(paths.file(MetaFile::annotations), what_ + ": cyrus.annotations");
          if (!opened) return tl::unexpected(opened.error());
          annotations = std::move(*opened);
        }
        const auto of_message = annotations->of(old.uid);
        if (!of_message) return tl::unexpected(of_message.error());
        note(old, change.expunge(edits.after(i), *of_message, config_.expunge_mode));
        removed_uids_.push_back(maildrop::Uid{old.uid});
      }
    }
    return {};
  }

  base::Result<void> write(IndexWriter& index, RecordEdits& edits, const std::vector<unsigned char>& header,
                           std::optional<QuotaChange>& quota) {
    const auto work = [&] { return write_all(index, edits, header, quota); };
    // A new header alone is one write into one page: no kill can halve it.
    const base::Apart apart = edits.size() == 0 ? base::Apart{false, work()} : base::run_apart(what_, work);
    if (apart.result) {
      if (!apart.result->empty()) log_.error(what_ + ": " + *apart.result);
      return {};
    }
    base::Error error = apart.result.error();
    if (apart.lost) {
      if (!index.put_back(edits)) {
        error.text += "; cyrus.index could not be put back as it was: parts may be changed, run reconstruct";
      }
      if (quota) undo_quota(quota->undo_of_lost_copy(), error);
    }
    return tl::unexpected(std::move(error));
  }

  /// Everything that is written, in its order. Runs in a child (base/run_apart.hpp), so it logs nothing. Returns what
  /// is to be logged all the same: failures that do not take the change back.
  base::Result<std::string> write_all(IndexWriter& index, RecordEdits& edits, const std::vector<unsigned char>& header,
                                      std::optional<QuotaChange>& quota) const {
    if (quota) {
      if (auto written = quota->write(); !written) return tl::unexpected(std::move(written.error()));
    }
    if (auto written = index.commit(edits, header, IndexWriter::Durability::at_leisure); !written) {
      base::Error error = std::move(written.error());
      if (quota) undo_quota(quota->undo(), error);
      return tl::unexpected(std::move(error));
    }
    return tell_others(config_, identity_.name, edits.size() == 0 ? Told::of_login : Told::of_change);
  }

  static void undo_quota(const base::Result<void>& undone, base::Error& error) {
    if (!undone) error.text += "; " + undone.error().text + "; run quota -f";
  }

  void note(const IndexRecord& old, const IndexRecord& changed) {
    if (config_.audit_log) audit_.emplace_back(old.flags, changed);
  }

  void log_audit_lines(const std::string& uniqueid, const IndexHeader& header) const {
    if (audit_.empty()) return;
    const AuditLines lines(changes_.session_id, identity_.name.intname(), uniqueid);
    for (const auto& [old_flags, changed] : audit_) {
      log_.notice(lines.touched(old_flags, changed));
      if (changed.has(flag_bit::kExpunged)) log_.notice(lines.expunged(changed));
    }
    log_.notice(lines.modseq(header));
  }

  const SnapshotIdentity& identity_;
  const maildrop::Update& changes_;
  const std::vector<Wish> wishes_;
  const StoreConfig& config_;
  const MailboxList& mailboxes_;
  const base::Log& log_;
  const std::string what_;
  std::vector<bool> expunge_;  // by edit; else it is to be marked
  std::vector<maildrop::Uid> removed_uids_;
  std::vector<std::pair<std::uint32_t, IndexRecord>> audit_;
};

}  // namespace

base::Result<maildrop::UpdateReport> update_mailbox(const SnapshotIdentity& identity, const Rights& rights,
                                                    const maildrop::Update& changes, const StoreConfig& config,
                                                    const MailboxList& mailboxes, const base::Log& log) {
  const std::string what = "mailbox " + identity.name.intname();
  bool mark_seen = config.pop_use_imap_flags && rights.keep_seen && !changes.retrieved.empty();
  if (!changes.deleted.empty()) {
    // RFC 1939 s6: what cannot be removed must not be answered +OK.
    if (config.read_only) return base::fail(Errc::permission, what + ": imapd.conf says readonly");
    if (!rights.delete_messages) return base::fail(Errc::permission, what + ": no right to delete messages");
    if (const auto why = unwritable(config, identity.name)) {
      return base::fail(Errc::unsupported,
                        what + ": " + std::to_string(changes.deleted.size()) + " deletions not carried out: " + *why);
    }
  }
  if (config.read_only) return maildrop::UpdateReport{};
  if (mark_seen) {
    if (const auto why = unwritable(config, identity.name)) {
      log.info(what + ": retrieved messages are not marked as seen: " + *why);
      mark_seen = false;
    }
  }

  auto report = Attempt(identity, changes, wishes_of(changes, mark_seen), config, mailboxes, log).run();
  if (report || !changes.deleted.empty() || mark_seen) return report;
  // Only the time of the login was to be written, which the client did not ask for. It is worth another attempt while
  // somebody holds a lock when logins are counted by it.
  if (report.error().code == Errc::busy) {
    if (config.pop_min_poll.count() > 0) return report;
  } else if (report.error().code != Errc::not_found) {
    log.warning(report.error().text + "; the time of this login was not kept");
  }
  return maildrop::UpdateReport{};
}

}  // namespace cyrus

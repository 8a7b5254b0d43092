// One pass through the steps of doc/format/delivery.md: find out whether the message may come in, with nothing written;
// then what nobody sees (cache record, index record behind the last one, the new quota file beside the old one); then,
// by a child process that outlives a kill of this one, what must happen as a whole: the message file gets its name, the
// quota file changes, and the header counts the record. What fails is taken back here.

#include "cyrus/append.hpp"

#include "base/check.hpp"
#include "base/steps_apart.hpp"
#include "cyrus/acl.hpp"
#include "cyrus/audit_log.hpp"
#include "cyrus/cache_file.hpp"
#include "cyrus/deliver_db.hpp"
#include "cyrus/idle_notify.hpp"
#include "cyrus/index_change.hpp"
#include "cyrus/index_writer.hpp"
#include "cyrus/open_mailbox.hpp"
#include "cyrus/quota_file.hpp"
#include "cyrus/quota_room.hpp"
#include "cyrus/sync_log.hpp"
#include "cyrus/tell_others.hpp"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;

std::uint64_t seconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

/// Removes a name; that there is none is fine too.
base::Result<void> remove_file(const fs::path& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return base::fail_system("unlink " + path.native(), errno);
}

bool are_same_file(const fs::path& a, const fs::path& b) {
  struct stat first = {};
  struct stat second = {};
  return ::lstat(a.c_str(), &first) == 0 && ::lstat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

/// One attempt at an append of one message or several, from its first lock to its last.
class Attempt {
 public:
  Attempt(const MailboxName& name, std::span<const BatchMessage> messages, const AppendOptions& options,
          const StoreConfig& config, const MailboxList& mailboxes, const base::Log& log)
      : name_(name),
        messages_(messages),
        options_(options),
        config_(config),
        mailboxes_(mailboxes),
        log_(log),
        what_("mailbox " + name.intname()) {}

  base::Result<std::vector<Appended>> run() {
    auto mailbox = open_mailbox(name_, config_, mailboxes_, base::LockMode::exclusive);
    if (!mailbox) return tl::unexpected(mailbox.error());
    auto index = IndexWriter::open(mailbox->locks.index_fd(), what_ + ": cyrus.index");
    if (!index) return tl::unexpected(index.error());
    const auto header_file = read_mailbox_header(*mailbox, index->header(), log_);
    if (!header_file) return tl::unexpected(header_file.error());
    if (const auto may = check_mailbox(*mailbox, *index); !may) return tl::unexpected(may.error());

    // Of a batch nothing was delivered by way of deliver.db, and nobody asks.
    const MessageFacts& first = messages_.front().message->facts();
    const DeliveryMark mark{first.message_id, header_file->uniqueid, first.date};
    const bool is_marked = options_.duplicates != nullptr && options_.duplicates->is_kept() && messages_.size() == 1 &&
                           !mark.message_id.empty() && !mark.uniqueid.empty() &&
                           !index->header().has_option(option_bit::kDuplicateDelivery);
    const std::uint32_t uidvalidity = index->header().uidvalidity;
    if (!options_.ignore_quota) {
      const auto room = check_quota_room(header_file->quota_root,
                                         QuotaNeed{octets(), messages_.size(), options_.strict_quota}, config_);
      if (!room) return tl::unexpected(base::Error{room.error().code, what_ + ": " + room.error().text});
    }
    if (is_marked) {
      const auto known = options_.duplicates->has(mark);
      if (known && *known) return std::vector{Appended{uidvalidity, 0, true}};
      if (!known && known.error().code == Errc::busy) return tl::unexpected(known.error());
      // Twice is better than never.
      if (!known) log_.error(what_ + ": " + known.error().text + "; it may be a duplicate");
    }

    IndexChange change(index->header(), index->header_bytes(), header_file->user_flags, name_.userid(), now_);
    const auto records = append(*mailbox, *index, header_file->quota_root, change);
    if (!records) return tl::unexpected(records.error());
    if (is_marked) {
      const auto marked = options_.duplicates->add(mark, now_, records->front().uid);
      if (!marked) log_.error(what_ + ": " + marked.error().text + "; a duplicate would not be noticed");
    }
    const AuditLines lines(options_.session_id, name_.intname(), header_file->uniqueid);
    std::vector<Appended> appended;
    for (std::size_t i = 0; i < records->size(); ++i) {
      appended.push_back(Appended{uidvalidity, (*records)[i].uid, false});
      if (config_.audit_log) log_.notice(lines.appended((*records)[i], messages_[i].message->facts().message_id));
    }
    if (config_.audit_log) log_.notice(lines.modseq(change.header()));
    return appended;
  }

 private:
  /// Whether the mailbox takes mail, and is in order where something is added.
  base::Result<void> check_mailbox(const OpenMailbox& mailbox, IndexWriter& index) const {
    if (index.header().has_option(option_bit::kDeleted)) return base::fail(Errc::not_found, what_ + ": was deleted");
    // Calendars, address books and the like have a letter of their own, and databases beside them.
    if (mailbox.record.type.find('e') == std::string::npos) {
      return base::fail(Errc::unsupported, what_ + ": is not for mail (type " + mailbox.record.type + ")");
    }
    if (options_.poster && !rights_of(*options_.poster, mailbox.record.acl, "").post) {
      return base::fail(Errc::permission, what_ + ": " + *options_.poster + " has no right to post there");
    }
    const auto last = index.last();
    if (!last) return tl::unexpected(last.error());
    if (last->empty()) return {};
    const IndexRecord record = decode_index_record(*index.header().format_table, *last);
    if (record.uid > index.header().last_uid) {
      return base::fail(Errc::corrupt, what_ + ": cyrus.index: the last record has UID " + std::to_string(record.uid) +
                                           ", above the last UID " + std::to_string(index.header().last_uid) +
                                           "; run reconstruct");
    }
    return {};
  }

  std::uint64_t octets() const {
    std::uint64_t sum = 0;
    for (const BatchMessage& batch : messages_) sum += batch.message->size();
    return sum;
  }

  /// Everything that is written.
  base::Result<std::vector<IndexRecord>> append(const OpenMailbox& mailbox, IndexWriter& index,
                                                const std::string& quota_root, IndexChange& change) {
    if (auto found = find_sources(mailbox.record.partition); !found) return tl::unexpected(std::move(found.error()));

    // The records of a cache stand one behind the other, each of a size that is a multiple of 4.
    std::string cache_records;
    for (const BatchMessage& batch : messages_) cache_records += batch.message->facts().cache_record;
    std::optional<CacheFile> cache;
    std::uint64_t offset = 0;
    if (!cache_records.empty()) {
      auto opened =
          CacheFile::open(mailbox.paths.file(MetaFile::cache), index.header().generation_no, what_ + ": cyrus.cache");
      if (!opened) return tl::unexpected(opened.error());
      cache = std::move(*opened);
      const auto placed = cache->append(cache_records);
      if (!placed) {
        static_cast<void>(cache->take_back());
        return tl::unexpected(placed.error());
      }
      offset = *placed;
    }

    std::vector<unsigned char> bytes;
    auto records = make_records(change, offset, bytes);
    if (records) {
      auto written = write(mailbox, index, cache, quota_root, change, bytes, *records);
      if (!written) records = tl::unexpected(std::move(written.error()));
    } else {
      records.error().text = what_ + ": " + records.error().text;
    }
    // What is not given back is garbage that nobody reads.
    if (!records && index.take_back_next() && cache) static_cast<void>(cache->take_back());
    return records;
  }

  /// One index record for each message; `bytes` become what is written, `offset` is where the cache records begin.
  base::Result<std::vector<IndexRecord>> make_records(IndexChange& change, std::uint64_t offset,
                                                      std::vector<unsigned char>& bytes) const {
    std::vector<IndexRecord> records;
    std::vector<unsigned char> piece;
    for (const BatchMessage& batch : messages_) {
      const MessageFacts& message = batch.message->facts();
      auto record = change.append(message, batch.flags, message.cache_record.empty() ? 0 : offset, piece);
      if (!record) return tl::unexpected(std::move(record.error()));
      offset += message.cache_record.size();
      records.push_back(*record);
      bytes.insert(bytes.end(), piece.begin(), piece.end());
    }
    return records;
  }

  base::Result<void> write(const OpenMailbox& mailbox, IndexWriter& index, const std::optional<CacheFile>& cache,
                           const std::string& quota_root, const IndexChange& change,
                           const std::vector<unsigned char>& bytes, const std::vector<IndexRecord>& records) {
    if (auto written = index.write_next(bytes); !written) return written;
    auto quota = prepare_quota_change(quota_root, change.usage_change(), name_, config_, log_);
    if (!quota) return tl::unexpected(std::move(quota.error()));
    // Nobody can look at the mailbox before the locks are released, so that it can go already, and cannot be forgotten.
    if (auto forgotten = forget_status_patiently(config_, name_); !forgotten) return forgotten;

    // Before the message is there, so that a kill cannot forget it: whoever reads the log waits for the locks.
    if (const auto logged = log_mailbox_append(config_, name_); !logged) {
      log_.error(what_ + ": sync log: " + logged.error().text);
    }

    Commit commit{mailbox.paths, {}, index, cache, change.header_bytes(), *quota};
    for (const IndexRecord& record : records) commit.uids.push_back(record.uid);
    auto done = carry_out(commit);
    if (!done && done.error().errnum == EMLINK) {
      // As many names as this file system lets a file have. A copy begins anew.
      if (auto copied = copy_sources(mailbox.record.partition); !copied) return copied;
      done = carry_out(commit);
    }
    if (done) notify_idle(config_, name_);
    return done;
  }

  /// What must happen as a whole.
  struct Commit {
    const MailboxPaths& paths;
    std::vector<std::uint32_t> uids;  // of messages_
    IndexWriter& index;
    const std::optional<CacheFile>& cache;
    std::vector<unsigned char> header;
    std::optional<QuotaChange>& quota;
  };

  /// Success: all of it is done and durable. Otherwise it is as before, or the error says what is not.
  base::Result<void> carry_out(const Commit& commit) {
    base::StepsApart steps(what_);
    const bool has_quota = commit.quota && commit.quota->has_file();
    for (std::size_t i = 0; i < commit.uids.size(); ++i) {
      // What stands there belongs to no record: a crash left it.
      if (auto removed = remove_file(message_path(commit, i, false)); !removed) return removed;
      if (auto removed = remove_file(message_path(commit, i, true)); !removed) return removed;
      steps.link(sources_[i], message_path(commit, i, false));
    }
    // All that the header is going to count. One after the other with nothing written between, so that a journal takes
    // them together. A copy is durable.
    for (const BatchMessage& batch : messages_) batch.message->add_sync(steps);
    if (commit.cache) commit.cache->add_sync(steps);
    commit.index.add_sync(steps);
    steps.sync_directory(commit.paths.data_directory());
    if (has_quota) {
      if (auto staged = commit.quota->stage(steps); !staged) return staged;
    }
    const std::size_t before_header = steps.size();
    commit.index.add_header(steps, commit.header);
    auto done = steps.run();
    if (done) {
      for (const BatchMessage& batch : messages_) batch.message->is_synced();
      if (has_quota) commit.quota->published();
      return done;
    }

    base::Error error = std::move(done.error());
    if (steps.begun() > before_header) {
      RecordEdits none(commit.index.header().record_size);
      if (!commit.index.put_back(none)) error.text += "; cyrus.index may be changed, run reconstruct";
    }
    for (std::size_t i = 0; i < commit.uids.size(); ++i) {
      const fs::path file = message_path(commit, i, false);
      if (are_same_file(file, sources_[i])) take_back(remove_file(file), error);
    }
    if (has_quota) take_back(commit.quota->take_back_staged(), error);
    return tl::unexpected(std::move(error));
  }

  static void take_back(const base::Result<void>& done, base::Error& error) {
    if (!done) error.text += "; " + done.error().text + "; run quota -f and reconstruct";
  }

  static fs::path message_path(const Commit& commit, std::size_t i, bool archived) {
    return commit.paths.message(static_cast<maildrop::Uid>(commit.uids[i]), archived);
  }

  /// Where the file of each message is linked from.
  base::Result<void> find_sources(const std::string& partition) {
    if (!config_.single_instance_store) return copy_sources(partition);
    sources_.clear();
    for (const BatchMessage& batch : messages_) {
      auto file = batch.message->file_on(partition);
      if (!file) return tl::unexpected(std::move(file.error()));
      sources_.push_back(*std::move(file));
    }
    return {};
  }

  base::Result<void> copy_sources(const std::string& partition) {
    sources_.clear();
    copies_.clear();
    for (const BatchMessage& batch : messages_) {
      auto copied = batch.message->copy(partition);
      if (!copied) return tl::unexpected(std::move(copied.error()));
      sources_.push_back(copied->path());
      copies_.push_back(*std::move(copied));
    }
    return {};
  }

  const MailboxName& name_;
  const std::span<const BatchMessage> messages_;
  const AppendOptions& options_;
  const StoreConfig& config_;
  const MailboxList& mailboxes_;
  const base::Log& log_;
  const std::string what_;
  const std::uint64_t now_ = seconds_since_1970();
  std::vector<fs::path> sources_;  // of messages_
  std::vector<StageFile> copies_;  // for this mailbox alone
};

}  // namespace

base::Result<Appended> append_message(const MailboxName& name, const StagedMessage& message,
                                      const AppendOptions& options, const StoreConfig& config,
                                      const MailboxList& mailboxes, const base::Log& log) {
  const BatchMessage one{&message, 0};
  const auto appended = append_messages(name, std::span(&one, 1), options, config, mailboxes, log);
  if (!appended) return tl::unexpected(appended.error());
  return appended->front();
}

base::Result<std::vector<Appended>> append_messages(const MailboxName& name, std::span<const BatchMessage> messages,
                                                    const AppendOptions& options, const StoreConfig& config,
                                                    const MailboxList& mailboxes, const base::Log& log) {
  CHECK(messages.size() <= kMaxBatch);
  const std::string what = "mailbox " + name.intname();
  if (config.read_only) return base::fail(Errc::permission, what + ": imapd.conf says readonly");
  if (name.components().front() == config.deleted_prefix) return base::fail(Errc::not_found, what + ": is deleted");
  if (config.conversations) {
    return base::fail(Errc::unsupported, what +
                                             ": nothing can be delivered: imapd.conf says conversations, whose "
                                             "database this version does not write");
  }
  if (messages.empty()) return std::vector<Appended>{};
  std::vector<const StagedMessage*> staged;
  for (const BatchMessage& batch : messages) staged.push_back(batch.message);
  // Before any lock is taken: it may take a while.
  if (auto durable = make_durable(staged); !durable) return tl::unexpected(std::move(durable.error()));
  return Attempt(name, messages, options, config, mailboxes, log).run();
}

}  // namespace cyrus

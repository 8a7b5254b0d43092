// The order: where directories are named after the mailbox, a second name for each file in the new ones; usage out of
// the quota root, which can be taken back; the one transaction that makes the mailbox a deleted one; then cyrus.header
// and cyrus.index, whose old content is wrong only about a quota root, and the old names. All of it is done by a child
// process that outlives a kill of this one.

#include "cyrus/mailbox_deletion.hpp"

#include "base/ascii.hpp"
#include "base/file_io.hpp"
#include "base/run_apart.hpp"
#include "cyrus/index_change.hpp"
#include "cyrus/index_writer.hpp"
#include "cyrus/mailbox_annotations.hpp"
#include "cyrus/mailbox_directories.hpp"
#include "cyrus/mailbox_files.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "cyrus/mailboxes_writer.hpp"
#include "cyrus/open_mailbox.hpp"
#include "cyrus/quota_file.hpp"
#include "cyrus/quota_usage.hpp"
#include "cyrus/status_cache.hpp"
#include "cyrus/sync_log.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;

std::int64_t seconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

base::Result<MailboxName> deleted_name(const MailboxName& name, std::int64_t time, const StoreConfig& config) {
  std::array<char, 17> hex{};
  static_cast<void>(std::snprintf(hex.data(), hex.size(), "%lX", static_cast<unsigned long>(time)));
  const std::string domain = name.domain().empty() ? std::string() : name.domain() + '!';
  return MailboxName::from_intname(domain + config.deleted_prefix + '.' + name.intname().substr(domain.size()) + '.' +
                                   hex.data());
}

/// Ends the sessions of Cyrus's daemons that say they have the mailbox open: `service TAB client TAB user TAB mailbox
/// TAB command` in a file that has the process id as its name.
void end_sessions(const MailboxName& name, const StoreConfig& config) {
  constexpr std::size_t kMost = std::size_t{16} * 1024;
  std::error_code error;
  for (fs::directory_iterator entry(config.proc_path, error), end; !error && entry != end; entry.increment(error)) {
    const std::string file = entry->path().filename().native();
    int pid = 0;
    const auto [rest, bad] = std::from_chars(file.data(), file.data() + file.size(), pid);
    if (bad != std::errc() || rest != file.data() + file.size() || pid <= 1) continue;
    const auto text = base::read_file(entry->path(), kMost);
    if (!text) continue;
    std::string_view fields = *text;
    for (int skipped = 0; skipped < 3; ++skipped) {
      const auto tab = fields.find('\t');
      fields.remove_prefix(tab == std::string_view::npos ? fields.size() : tab + 1);
    }
    fields = fields.substr(0, fields.find_first_of("\t\n"));
    // It may have ended meanwhile: nothing to do then.
    if (fields == name.intname()) static_cast<void>(::kill(pid, SIGQUIT));
  }
}

class Deletion {
 public:
  Deletion(MailboxLock& locks, const MailboxName& name, const StoreConfig& config, const MailboxList& mailboxes,
           const base::Log& log, const std::function<base::Result<void>()>& afterwards)
      : locks_(locks),
        name_(name),
        config_(config),
        mailboxes_(mailboxes),
        log_(log),
        afterwards_(afterwards),
        what_("mailbox " + name.intname()) {}

  base::Result<MailboxName> run() {
    auto deleted = attempt();
    locks_.release_mailbox();
    if (!deleted && !deleted.error().text.starts_with(what_)) {
      deleted.error().text = what_ + ": " + deleted.error().text;
    }
    return deleted;
  }

 private:
  base::Result<MailboxName> attempt() {
    const auto mailbox =
        lock_mailbox(locks_, name_, config_, mailboxes_, base::LockMode::exclusive, base::LockMode::exclusive);
    if (!mailbox) {
      if (mailbox.error().code == Errc::busy) end_sessions(name_, config_);
      return tl::unexpected(mailbox.error());
    }
    if (auto fine = check_can_delete(mailbox->record, config_); !fine) return tl::unexpected(std::move(fine.error()));
    auto index = IndexWriter::open(locks_.index_fd(), what_ + ": cyrus.index");
    if (!index) return tl::unexpected(index.error());
    const auto text = read_mailbox_header_text(mailbox->paths, what_);
    if (!text) return tl::unexpected(text.error());
    const auto header = parse_mailbox_header(*text, what_ + ": cyrus.header");
    if (!header) return tl::unexpected(header.error());

    auto quota = prepare_leaving(index->header(), header->quota_root);
    if (!quota) return tl::unexpected(std::move(quota.error()));
    const auto to = choose_name(mailbox->record, index->header().highestmodseq + 1);
    if (!to) return tl::unexpected(to.error());
    const auto to_paths = MailboxPaths::of(*to, config_);
    if (!to_paths) return tl::unexpected(to_paths.error());

    const Step step{mailbox->record, *to, mailbox->paths, *to_paths, *index, *quota};
    const base::Apart apart = base::run_apart(what_, [&] { return carry_out(step); });
    if (apart.result) {
      if (!apart.result->empty()) log_.error(what_ + ": " + *apart.result);
      return to->name;
    }
    base::Error error = apart.result.error();
    if (apart.lost) {
      const auto deleted = is_deleted();
      if (deleted == false) {
        if (*quota) take_back((*quota)->undo_of_lost_copy(), error);
        forget_new_place(step);
      } else if (deleted == true) {
        const auto finished = finish(step);
        error.text += "; the mailbox is deleted nevertheless";
        if (!finished || !finished->empty()) error.text += "; " + (finished ? *finished : finished.error().text);
      } else if (*quota) {
        take_back(unknown_state(), error);
      }
    }
    return tl::unexpected(std::move(error));
  }

  /// What happens as a whole.
  struct Step {
    const MailboxRecord& from;
    const MailboxRecord& to;  // the same name: it is gone for good
    const MailboxPaths& paths;
    const MailboxPaths& to_paths;
    IndexWriter& index;
    std::optional<QuotaChange>& quota;

    bool is_for_good() const { return from.name == to.name; }
    /// Its directories are named after it.
    bool moves() const { return !is_for_good() && from.legacy_layout; }
  };

  /// Runs in a child (base/run_apart.hpp), so it logs nothing. Returns what is to be logged all the same.
  base::Result<std::string> carry_out(const Step& step) const {
    if (step.moves()) {
      // Under both names until the old one is forgotten: whatever happens, each file is where mailboxes.db says.
      if (auto linked = link_mailbox_files(step.paths, step.to_paths); !linked) {
        forget_new_place(step);
        return tl::unexpected(std::move(linked.error()));
      }
    }
    if (step.quota) {
      if (auto left = step.quota->write(); !left) {
        forget_new_place(step);
        return tl::unexpected(std::move(left.error()));
      }
    }
    std::optional<base::Error> uncertain;
    if (auto changed = change_list(step); !changed) {
      const auto deleted = is_deleted();
      if (deleted != true) {
        if (step.quota) take_back(deleted ? step.quota->undo() : unknown_state(), changed.error());
        if (deleted) forget_new_place(step);
        return tl::unexpected(std::move(changed.error()));
      }
      uncertain = std::move(changed.error());  // deleted, but perhaps not for good: the caller must hear it
    }
    auto finished = finish(step);
    if (finished && uncertain) return tl::unexpected(*std::move(uncertain));
    return finished;
  }

  /// What stays is garbage that nobody finds.
  void forget_new_place(const Step& step) const {
    if (step.moves()) static_cast<void>(remove_mailbox_directories(step.to_paths, config_));
  }

  /// What follows when mailboxes.db has changed. Returns what is to be logged.
  base::Result<std::string> finish(const Step& step) const {
    auto rewritten = step.is_for_good()
                         ? mark_deleted(step)
                         : rewrite_mailbox_header(step.index, step.to_paths, {step.to.name.intname(), std::string()},
                                                  true, "mailbox " + step.to.name.intname());
    std::string failures = tell_others(step.to.name);
    if (step.is_for_good() || step.moves()) {
      if (const auto removed = remove_mailbox_directories(step.paths, config_); !removed) {
        add(failures, removed.error().text);
      }
    }
    if (step.is_for_good()) {
      if (const auto removed = remove_mailbox_annotations(step.from.uniqueid, config_); !removed) {
        add(failures, removed.error().text);
      }
    }
    if (afterwards_) {
      if (const auto done = afterwards_(); !done) add(failures, done.error().text);
    }
    if (!rewritten) {
      rewritten.error().text += "; the mailbox is deleted nevertheless; run quota -f";
      return tl::unexpected(std::move(rewritten.error()));
    }
    return failures;
  }

  /// For whoever has cyrus.index open, and will find no name that leads to it.
  static base::Result<void> mark_deleted(const Step& step) {
    const IndexHeader& header = step.index.header();
    std::vector<unsigned char> bytes(step.index.header_bytes().begin(), step.index.header_bytes().end());
    store(bytes, header.format_table->header.options, header.options | option_bit::kDeleted);
    seal(bytes);
    RecordEdits none(header.record_size);
    return step.index.commit(none, bytes, IndexWriter::Durability::at_leisure);
  }

  static void add(std::string& failures, const std::string& failure) {
    if (!failures.empty()) failures += "; ";
    failures += failure;
  }

  static base::Result<void> unknown_state() { return base::fail(Errc::io, "mailboxes.db cannot be read"); }

  static void take_back(const base::Result<void>& done, base::Error& error) {
    if (!done) error.text += "; " + done.error().text + "; run quota -f";
  }

  base::Result<std::optional<QuotaChange>> prepare_leaving(const IndexHeader& header, const std::string& root) const {
    if (root.empty()) return std::optional<QuotaChange>();
    const auto file = quota_file_path(root, config_);
    if (!file) return base::fail(Errc::corrupt, what_ + ": " + file.error().text);
    auto prepared = QuotaChange::prepare(*file, negated(usage_of(header)), name_.intname(), "quota root " + root);
    if (!prepared) return tl::unexpected(std::move(prepared.error()));
    return std::optional(*std::move(prepared));
  }

  /// After a failure: it may have been deleted all the same; nullopt: nobody can tell.
  std::optional<bool> is_deleted() const {
    const auto found = find_after_failure(name_, config_);
    if (!found) return std::nullopt;
    return !*found || (*found)->deleted;
  }

  /// Nobody takes the name meanwhile: whoever deletes this mailbox has the lock of its user.
  base::Result<MailboxRecord> choose_name(const MailboxRecord& record, std::uint64_t modseq) const {
    const std::int64_t now = seconds_since_1970();
    if (config_.delete_mode == DeleteMode::immediate) {
      MailboxRecord gone = record;
      gone.folder_modseq = modseq;
      gone.mtime = now;
      return gone;
    }
    auto writer = MailboxesWriter::open(config_);
    if (!writer) return tl::unexpected(writer.error());
    for (std::int64_t time = now;; ++time) {
      const auto name = deleted_name(record.name, time, config_);
      if (!name) return tl::unexpected(name.error());
      const auto taken = writer->find(*name);
      if (!taken) return tl::unexpected(taken.error());
      if (*taken) continue;  // deleted, made and deleted again within a second
      MailboxRecord to = record;
      to.name = *name;
      to.folder_modseq = modseq;
      to.mtime = now;
      return to;
    }
  }

  base::Result<void> change_list(const Step& step) const {
    auto writer = MailboxesWriter::open(config_);
    if (!writer) return tl::unexpected(writer.error());
    auto done = step.is_for_good() ? writer->bury(step.to) : writer->rename(step.from, step.to);
    return done ? writer->commit() : done;
  }

  /// Returns what failed.
  std::string tell_others(const MailboxName& now) const {
    std::string failures;
    end_sessions(name_, config_);
    for (const MailboxName& name : {name_, now}) {
      if (const auto logged = log_mailbox_change(config_, name); !logged) {
        add(failures, "sync log: " + logged.error().text);
      }
      if (now == name_) break;
    }
    if (const auto forgotten = forget_status(config_, name_); !forgotten) {
      add(failures, "statuscache still has it: " + forgotten.error().text);
    }
    return failures;
  }

  MailboxLock& locks_;
  const MailboxName& name_;
  const StoreConfig& config_;
  const MailboxList& mailboxes_;
  const base::Log& log_;
  const std::function<base::Result<void>()>& afterwards_;
  const std::string what_;
};

}  // namespace

base::Result<void> check_can_delete(const MailboxRecord& mailbox, const StoreConfig& config) {
  const std::string what = "mailbox " + mailbox.name.intname() + ": not deleted: ";
  if (mailbox.name.userid().empty()) return base::fail(Errc::invalid, what + "not in the tree of a user");
  if (config.conversations) return base::fail(Errc::unsupported, what + "imapd.conf says conversations");
  if (config.quota_backend != "quotalegacy") {
    return base::fail(Errc::unsupported, what + "quota_db is " + config.quota_backend);
  }
  return {};
}

base::Result<MailboxName> delete_mailbox_locked(MailboxLock& locks, const MailboxName& name, const StoreConfig& config,
                                                const MailboxList& mailboxes, const base::Log& log,
                                                const std::function<base::Result<void>()>& afterwards) {
  return Deletion(locks, name, config, mailboxes, log, afterwards).run();
}

}  // namespace cyrus

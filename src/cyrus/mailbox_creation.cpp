// Two transactions with the files between them. The first makes the id known as that of an intermediate, so that a
// crash never leaves a directory that nobody can find; the second makes it a mailbox, when all it needs is on disk. It
// and the quota root, which counts one folder more, change in a child process that outlives a kill of this one.

#include "cyrus/mailbox_creation.hpp"

#include "base/run_apart.hpp"
#include "cyrus/mailbox_annotations.hpp"
#include "cyrus/mailbox_files.hpp"
#include "cyrus/mailbox_paths.hpp"
#include "cyrus/mailboxes_writer.hpp"
#include "cyrus/quota_file.hpp"
#include "cyrus/quota_root.hpp"
#include "cyrus/quota_usage.hpp"
#include "cyrus/sync_log.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <random>
#include <utility>

namespace cyrus {
namespace {

using base::Errc;

std::int64_t seconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

std::string random_uniqueid() {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::size_t kLength = 24;
  std::random_device device;
  std::uniform_int_distribution<std::size_t> pick(0, kLetters.size() - 1);
  std::string id;
  for (std::size_t i = 0; i < kLength; ++i) id += kLetters[pick(device)];
  return id;
}

MailboxName parent_of(const MailboxName& name) {
  const std::string& intname = name.intname();
  return *MailboxName::from_intname(intname.substr(0, intname.rfind('.')));  // a part of a good name is one
}

/// One mailbox on its way.
class Creation {
 public:
  Creation(MailboxLock& locks, const MailboxName& name, const CreateOptions& options, const StoreConfig& config,
           const base::Log& log)
      : locks_(locks),
        options_(options),
        config_(config),
        log_(log),
        what_("mailbox " + name.intname()),
        record_(name) {}

  base::Result<MailboxRecord> run() {
    if (auto reserved = reserve(); !reserved) return named(std::move(reserved.error()));
    auto made = make();
    if (!made) {
      take_back();
      return named(std::move(made.error()));
    }
    locks_.release_mailbox();
    return record_;
  }

 private:
  tl::unexpected<base::Error> named(base::Error error) {
    locks_.release_mailbox();
    if (!error.text.starts_with(what_)) error.text = what_ + ": " + error.text;
    return tl::unexpected<base::Error>(std::move(error));
  }

  /// Decides what the mailbox will be, and tells mailboxes.db.
  base::Result<void> reserve() {
    auto writer = MailboxesWriter::open(config_);
    if (!writer) return tl::unexpected(std::move(writer.error()));
    auto before = writer->find(record_.name);
    if (!before) return tl::unexpected(std::move(before.error()));
    before_ = *std::move(before);
    if (before_ && (before_->moving || before_->reserved || before_->remote)) {
      return base::fail(Errc::unsupported, "is in the hands of another server");
    }
    if (before_ && !before_->deleted && !before_->intermediate) return base::fail(Errc::invalid, "exists");
    if (auto fine = take_from_parent(*writer); !fine) return fine;
    if (auto fine = choose_numbers(*writer); !fine) return fine;
    auto paths = MailboxPaths::of(record_, config_);
    if (!paths) return tl::unexpected(std::move(paths.error()));
    paths_ = *std::move(paths);
    // Before anything is written: only a mailbox of the old layout can have somebody who holds this one.
    if (auto locked = locks_.lock_name(record_, config_, base::LockMode::exclusive); !locked) return locked;
    if (auto done = writer->reserve(record_); !done) return done;
    return writer->commit();
  }

  base::Result<void> take_from_parent(const MailboxesWriter& writer) {
    const MailboxName& name = record_.name;
    record_.type = "e";
    record_.partition = options_.partition;
    record_.acl = options_.acl;
    record_.legacy_layout = config_.legacy_dirs;
    if (name == name.inbox()) {
      if (record_.partition.empty()) record_.partition = config_.default_partition;
      if (record_.acl.empty()) record_.acl.push_back({name.userid(), std::string(kAllRights)});
      return {};
    }
    const auto parent = writer.find(parent_of(name));
    if (!parent) return tl::unexpected(parent.error());
    if (!*parent || !(*parent)->usable()) return base::fail(Errc::not_found, "has no mailbox above it");
    if (record_.partition.empty()) record_.partition = (*parent)->partition;
    if (record_.acl.empty()) record_.acl = (*parent)->acl;
    record_.legacy_layout = (*parent)->legacy_layout;
    return {};
  }

  base::Result<void> choose_numbers(const MailboxesWriter& writer) {
    record_.mtime = seconds_since_1970();
    record_.uidvalidity = static_cast<std::uint32_t>(record_.mtime) + 1;
    record_.created_modseq = 1;
    record_.folder_modseq = 1;
    if (before_) {
      // A client that knew the former mailbox must notice that this is another one.
      record_.uidvalidity = std::max(record_.uidvalidity, before_->uidvalidity + 1);
      if (before_->intermediate) {
        record_.uniqueid = before_->uniqueid;
        record_.created_modseq = std::max<std::uint64_t>(before_->created_modseq, 1);
        record_.folder_modseq = std::max(record_.created_modseq, before_->folder_modseq);
        return {};
      }
    }
    for (;;) {
      record_.uniqueid = random_uniqueid();
      const auto taken = writer.has_id(record_.uniqueid);
      if (!taken) return tl::unexpected(taken.error());
      if (!*taken) return {};
    }
  }

  /// The files, the quota root, and the second transaction.
  base::Result<void> make() {
    const auto root = find_quota_root(record_.name, config_);
    if (!root) return tl::unexpected(root.error());
    const std::size_t annotations = options_.special_use.size();
    auto files = make_mailbox_files(locks_, record_, *root, config_.default_options, annotations, *paths_);
    if (!files) return files;

    std::optional<QuotaChange> quota;
    if (!root->empty()) {
      QuotaUsage one_more;
      one_more.folders = 1;
      one_more.annotations = static_cast<std::int64_t>(annotations);
      const auto file = quota_file_path(*root, config_);
      if (!file) return tl::unexpected(file.error());
      auto prepared = QuotaChange::prepare(*file, one_more, record_.name.intname(), "quota root " + *root);
      if (!prepared) return tl::unexpected(std::move(prepared.error()));
      quota = *std::move(prepared);
    }
    const base::Apart apart = base::run_apart(what_, [&] { return carry_out(quota); });
    if (apart.result) {
      if (!apart.result->empty()) log_.error(what_ + ": " + *apart.result);
      return {};
    }
    base::Error error = apart.result.error();
    if (apart.lost) take_back_rest([&] { return quota ? quota->undo_of_lost_copy() : base::Result<void>(); }, error);
    return tl::unexpected(std::move(error));
  }

  /// Runs in a child (base/run_apart.hpp), so it logs nothing. Returns what is to be logged all the same: a failure
  /// that does not take the mailbox back.
  base::Result<std::string> carry_out(std::optional<QuotaChange>& quota) const {
    // Its key is the uniqueid, by which nobody looks yet.
    if (!options_.special_use.empty()) {
      auto annotated = set_special_use(record_.uniqueid, options_.special_use, config_);
      if (!annotated) return tl::unexpected(std::move(annotated.error()));
    }
    if (quota) {
      if (auto counted = quota->write(); !counted) {
        forget_special_use(counted.error());
        return tl::unexpected(std::move(counted.error()));
      }
    }
    if (auto done = publish(); !done) {
      take_back_rest([&] { return quota ? quota->undo() : base::Result<void>(); }, done.error());
      return tl::unexpected(std::move(done.error()));
    }
    const auto logged = log_mailbox_change(config_, record_.name);
    return logged ? std::string() : "sync log: " + logged.error().text;
  }

  base::Result<void> publish() const {
    auto writer = MailboxesWriter::open(config_);
    if (!writer) return tl::unexpected(std::move(writer.error()));
    if (auto done = writer->put(record_); !done) return done;
    return writer->commit();
  }

  /// After a failure of publish(): whether it is a mailbox all the same, and counts; nullopt: nobody can tell.
  std::optional<bool> is_published() const {
    const auto found = find_after_failure(record_.name, config_);
    if (!found) return std::nullopt;
    return *found && (*found)->usable();
  }

  /// What is not in mailboxes.db, when the mailbox is none: `undo` is that of the quota root.
  void take_back_rest(const std::function<base::Result<void>()>& undo, base::Error& error) const {
    const auto published = is_published();
    if (!published) error.text += "; mailboxes.db cannot be read; run quota -f";
    if (published != false) return;
    take_back(undo(), error);
    forget_special_use(error);
  }

  void forget_special_use(base::Error& error) const {
    if (options_.special_use.empty()) return;
    const auto forgotten = remove_mailbox_annotations(record_.uniqueid, config_);
    if (!forgotten) error.text += "; " + forgotten.error().text;
  }

  static void take_back(const base::Result<void>& done, base::Error& error) {
    if (!done) error.text += "; " + done.error().text + "; run quota -f";
  }

  /// After a failure. What cannot be taken back is an intermediate, which does no harm; what became a mailbox stays
  /// one.
  void take_back() {
    if (is_published() != false) return;
    auto writer = MailboxesWriter::open(config_);
    if (!writer) return;
    if (!writer->unreserve(record_, before_)) return;
    if (writer->commit()) remove_mailbox_files(*paths_);
  }

  MailboxLock& locks_;
  const CreateOptions& options_;
  const StoreConfig& config_;
  const base::Log& log_;
  const std::string what_;
  MailboxRecord record_;
  std::optional<MailboxRecord> before_;
  std::optional<MailboxPaths> paths_;
};

base::Result<void> check_can_create(const MailboxName& name, const StoreConfig& config) {
  const std::string what = "mailbox " + name.intname() + ": ";
  if (name.userid().empty()) return base::fail(Errc::invalid, what + "not in the tree of a user");
  if (config.conversations) {
    return base::fail(Errc::unsupported, what +
                                             "not created: imapd.conf says conversations, whose database this "
                                             "version does not write");
  }
  return {};
}

}  // namespace

base::Result<MailboxRecord> create_mailbox_locked(MailboxLock& locks, const MailboxName& name,
                                                  const CreateOptions& options, const StoreConfig& config,
                                                  const base::Log& log) {
  if (auto fine = check_can_create(name, config); !fine) return tl::unexpected(std::move(fine.error()));
  // From the top: a parent that is made now has its own parent by then.
  std::vector<MailboxName> missing{name};
  while (!(missing.back() == name.inbox())) {
    const MailboxName parent = parent_of(missing.back());
    auto writer = MailboxesWriter::open(config);
    if (!writer) return tl::unexpected(std::move(writer.error()));
    const auto found = writer->find(parent);
    if (!found) return tl::unexpected(found.error());
    if (*found && (*found)->usable()) break;
    if (parent == name.inbox()) {
      return base::fail(Errc::not_found, "mailbox " + name.intname() + ": its owner has no INBOX");
    }
    missing.push_back(parent);
  }
  while (missing.size() > 1) {
    auto made = Creation(locks, missing.back(), CreateOptions(), config, log).run();
    if (!made) return made;
    missing.pop_back();
  }
  return Creation(locks, name, options, config, log).run();
}

}  // namespace cyrus

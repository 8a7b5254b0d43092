// The order: usage out of the quota root, which can be taken back; the one transaction that makes the mailbox a deleted
// one; then cyrus.header and cyrus.index, whose old content is wrong only about a quota root.

#include "cyrus/mailbox_deletion.hpp"

#include "base/ascii.hpp"
#include "base/file_io.hpp"
#include "cyrus/index_writer.hpp"
#include "cyrus/mailbox_files.hpp"
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
           const base::Log& log)
      : locks_(locks),
        name_(name),
        config_(config),
        mailboxes_(mailboxes),
        log_(log),
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

    std::optional<QuotaChange> quota;
    if (auto done = leave_quota_root(index->header(), header->quota_root, quota); !done) {
      return tl::unexpected(std::move(done.error()));
    }
    const auto now = rename(mailbox->record, index->header().highestmodseq + 1);
    if (!now) {
      base::Error error = now.error();
      if (quota) {
        if (const auto undone = quota->undo(); !undone) error.text += "; " + undone.error().text + "; run quota -f";
      }
      return tl::unexpected(std::move(error));
    }
    quota.reset();
    const auto rewritten = rewrite_mailbox_header(*index, mailbox->paths, {now->intname(), std::string()}, true,
                                                  "mailbox " + now->intname());
    if (!rewritten) log_.error(rewritten.error().text + "; the mailbox is deleted nevertheless; run quota -f");
    tell_others(*now);
    if (!rewritten) return tl::unexpected(rewritten.error());
    if (uncertain_) return tl::unexpected(*uncertain_);
    return now;
  }

  base::Result<void> leave_quota_root(const IndexHeader& header, const std::string& root,
                                      std::optional<QuotaChange>& quota) const {
    if (root.empty()) return {};
    const auto file = quota_file_path(root, config_);
    if (!file) return base::fail(Errc::corrupt, what_ + ": " + file.error().text);
    auto changed = change_quota(*file, negated(usage_of(header)), name_.intname(), "quota root " + root);
    if (!changed) return tl::unexpected(std::move(changed.error()));
    quota = *std::move(changed);
    return {};
  }

  /// After a failed commit: it may have been made all the same.
  bool is_deleted(const MailboxName& name) const {
    const auto writer = MailboxesWriter::open(config_);
    if (!writer) return false;
    const auto found = writer->find(name);
    return found && *found && (*found)->deleted;
  }

  base::Result<MailboxName> rename(const MailboxRecord& record, std::uint64_t modseq) {
    std::optional<base::Error> failed;
    auto name = rename(record, modseq, failed);
    if (!failed) return name;
    if (!is_deleted(record.name)) return tl::unexpected(*std::move(failed));
    uncertain_ = std::move(failed);  // deleted, but perhaps not for good: the caller must hear it
    return name;
  }

  base::Result<MailboxName> rename(const MailboxRecord& record, std::uint64_t modseq,
                                   std::optional<base::Error>& failed) const {
    auto writer = MailboxesWriter::open(config_);
    if (!writer) return tl::unexpected(writer.error());
    const std::int64_t now = seconds_since_1970();
    for (std::int64_t time = now;; ++time) {
      const auto name = deleted_name(record.name, time, config_);
      if (!name) return name;
      const auto taken = writer->find(*name);
      if (!taken) return tl::unexpected(taken.error());
      if (*taken) continue;  // deleted, made and deleted again within a second
      MailboxRecord to = record;
      to.name = *name;
      to.folder_modseq = modseq;
      to.mtime = now;
      if (auto done = writer->rename(record, to); !done) return tl::unexpected(std::move(done.error()));
      if (auto done = writer->commit(); !done) failed = std::move(done.error());
      return name;
    }
  }

  void tell_others(const MailboxName& now) const {
    end_sessions(name_, config_);
    for (const MailboxName& name : {name_, now}) {
      if (const auto logged = log_mailbox_change(config_, name); !logged) {
        log_.error(what_ + ": sync log: " + logged.error().text);
      }
    }
    if (const auto forgotten = forget_status(config_, name_); !forgotten) {
      log_.error(what_ + ": statuscache still has it: " + forgotten.error().text);
    }
  }

  MailboxLock& locks_;
  const MailboxName& name_;
  const StoreConfig& config_;
  const MailboxList& mailboxes_;
  const base::Log& log_;
  const std::string what_;
  std::optional<base::Error> uncertain_;
};

}  // namespace

base::Result<void> check_can_delete(const MailboxRecord& mailbox, const StoreConfig& config) {
  const std::string what = "mailbox " + mailbox.name.intname() + ": not deleted: ";
  if (mailbox.name.userid().empty()) return base::fail(Errc::invalid, what + "not in the tree of a user");
  if (mailbox.legacy_layout) {
    return base::fail(Errc::unsupported, what + "its directory is named after it, and moving that is left to Cyrus");
  }
  if (config.conversations) return base::fail(Errc::unsupported, what + "imapd.conf says conversations");
  if (config.delete_mode == DeleteMode::immediate) {
    return base::fail(Errc::unsupported, what + "imapd.conf says delete_mode: immediate; use Cyrus's tools");
  }
  if (config.quota_backend != "quotalegacy") {
    return base::fail(Errc::unsupported, what + "quota_db is " + config.quota_backend);
  }
  return {};
}

base::Result<MailboxName> delete_mailbox_locked(MailboxLock& locks, const MailboxName& name, const StoreConfig& config,
                                                const MailboxList& mailboxes, const base::Log& log) {
  return Deletion(locks, name, config, mailboxes, log).run();
}

}  // namespace cyrus

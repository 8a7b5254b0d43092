#include "cyrus/mailbox_admin.hpp"

#include "base/directory.hpp"
#include "cyrus/index_reader.hpp"
#include "cyrus/mailbox_deletion.hpp"
#include "cyrus/mailbox_lock.hpp"
#include "cyrus/open_mailbox.hpp"
#include "cyrus/quota_assignment.hpp"
#include "cyrus/twoskip_writer.hpp"
#include "cyrus/user_files.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::LockMode;

base::Result<IndexHeader> header_of(const OpenMailbox& mailbox) {
  const auto index =
      IndexReader::open(mailbox.locks.index_fd(), "mailbox " + mailbox.record.name.intname() + ": cyrus.index");
  if (!index) return tl::unexpected(index.error());
  return index->header();
}

/// Mail, or what can only be mail, is below a partition.
bool holds_mail(const fs::path& partition) {
  std::error_code error;
  for (fs::directory_iterator entry(partition, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().filename() != "stage." && entry->is_directory(error) && !fs::is_empty(entry->path(), error)) {
      return true;
    }
  }
  return false;
}

bool is_below(const MailboxName& name, const MailboxName& top) {
  return name.intname().starts_with(top.intname() + '.');
}

}  // namespace

MailboxAdmin::MailboxAdmin(StoreConfig config, const base::Log& log)
    : config_(std::move(config)), mailboxes_(config_), log_(log) {}

base::Result<void> MailboxAdmin::make_store() {
  const fs::path& database = config_.mailboxes_db;
  struct stat status = {};
  if (::stat(database.c_str(), &status) == 0) return {};
  if (errno != ENOENT) return base::fail_system(database.native(), errno);
  for (const auto& [name, root] : config_.partitions) {
    if (holds_mail(root)) {
      return base::fail(Errc::invalid, database.native() + ": there is none, but " + root.native() +
                                           " has mail: bring it back from db.backup1, or by reconstruct -m");
    }
  }
  std::vector<fs::path> directories{config_.config_directory, database.parent_path()};
  for (const auto* roots : {&config_.partitions, &config_.metapartitions}) {
    for (const auto& [name, root] : *roots) directories.push_back(root);
  }
  for (const fs::path& directory : directories) {
    if (auto made = base::make_directories(directory); !made) return made;
  }
  const auto writer = TwoskipWriter::open(database, {.create = true});
  if (!writer) return tl::unexpected(writer.error());
  return {};
}

base::Result<MailboxRecord> MailboxAdmin::create_mailbox(const MailboxName& name, const CreateOptions& options) {
  if (name.userid().empty()) {
    return base::fail(Errc::invalid, "mailbox " + name.intname() + ": not in the tree of a user");
  }
  auto locks = MailboxLock::lock_user(name, config_, LockMode::exclusive);
  if (!locks) return tl::unexpected(std::move(locks.error()));
  return create_mailbox_locked(*locks, name, options, config_, log_);
}

base::Result<std::vector<MailboxName>> MailboxAdmin::delete_mailbox(const MailboxName& name) {
  const std::string what = "mailbox " + name.intname();
  if (name.userid().empty()) return base::fail(Errc::invalid, what + ": not in the tree of a user");
  auto locks = MailboxLock::lock_user(name, config_, LockMode::exclusive);
  if (!locks) return tl::unexpected(std::move(locks.error()));
  const auto record = mailboxes_.find(name);
  if (!record) return tl::unexpected(record.error());
  if (!record->usable()) return base::fail(Errc::not_found, what + ": no such mailbox here");
  auto tree = mailboxes_below(name, mailboxes_);
  if (!tree) return tl::unexpected(std::move(tree.error()));
  const bool is_inbox = name == name.inbox();
  if (!is_inbox && std::ranges::any_of(*tree, [&](const MailboxRecord& other) { return is_below(other.name, name); })) {
    return base::fail(Errc::invalid, what + ": not deleted: there are mailboxes below it");
  }
  // Before anything is gone: a tree is deleted as a whole.
  for (const MailboxRecord& member : *tree) {
    if (auto fine = check_can_delete(member, config_); !fine) return tl::unexpected(std::move(fine.error()));
  }
  // The INBOX last: as long as it is there, an interrupted deletion can be repeated.
  std::vector<MailboxName> gone;
  for (auto next = tree->rbegin(); next != tree->rend(); ++next) {
    std::function<base::Result<void>()> afterwards;
    if (next->name == name.inbox()) afterwards = [&] { return delete_inbox_rest(*record); };
    auto deleted = delete_mailbox_locked(*locks, next->name, config_, mailboxes_, log_, afterwards);
    if (!deleted) return tl::unexpected(std::move(deleted.error()));
    gone.push_back(*std::move(deleted));
  }
  return gone;
}

base::Result<void> MailboxAdmin::delete_inbox_rest(const MailboxRecord& inbox) const {
  auto removed = remove_user_files(inbox, config_);
  const auto file = quota_file_path(inbox.name.intname(), config_);
  if (!file) return tl::unexpected(file.error());
  // All roots of one user are in one directory: user.ann, user.ann.Sent.
  const std::string root = file->filename().native();
  std::error_code error;
  for (fs::directory_iterator entry(file->parent_path(), error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().native();
    if (name != root && !name.starts_with(root + '.')) continue;
    if (::unlink(entry->path().c_str()) != 0 && errno != ENOENT && removed) {
      removed = base::fail_system(entry->path().native(), errno);
    }
  }
  return removed;
}

base::Result<std::vector<ListedMailbox>> MailboxAdmin::list_mailboxes(const ListOptions& options) const {
  std::optional<MailboxName> top;
  if (!options.user.empty()) {
    auto inbox = MailboxName::of_user(options.user, "", config_);
    if (!inbox) return tl::unexpected(std::move(inbox.error()));
    top = *std::move(inbox);
  }
  std::vector<ListedMailbox> list;
  const auto done = mailboxes_.for_each([&](base::Result<MailboxRecord> record) {
    if (!record) {
      log_.error(record.error().text);
      return true;
    }
    const MailboxName& name = record->name;
    const bool is_deleted = !record->usable() || name.components().front() == config_.deleted_prefix;
    const bool is_wanted = (!is_deleted || options.deleted) && (!top || name == *top || is_below(name, *top));
    if (is_wanted) list.push_back({*std::move(record), std::nullopt});
    return true;
  });
  if (!done) return tl::unexpected(done.error());
  if (!options.counts) return list;
  for (ListedMailbox& listed : list) {
    if (!listed.record.usable()) continue;
    const auto mailbox = open_mailbox(listed.record.name, config_, mailboxes_, LockMode::shared);
    if (!mailbox) continue;
    if (const auto header = header_of(*mailbox)) {
      listed.counts = MailboxCounts{header->exists, header->unseen, header->quota_mailbox_used};
    }
  }
  return list;
}

base::Result<MailboxInfo> MailboxAdmin::mailbox_info(const MailboxName& name) const {
  const auto mailbox = open_mailbox(name, config_, mailboxes_, LockMode::shared);
  if (!mailbox) return tl::unexpected(mailbox.error());
  const auto header = header_of(*mailbox);
  if (!header) return tl::unexpected(header.error());
  const auto header_file = read_mailbox_header(*mailbox, *header, log_);
  if (!header_file) return tl::unexpected(header_file.error());
  return MailboxInfo{mailbox->record, mailbox->paths.data_directory(), *header, header_file->quota_root,
                     header_file->user_flags};
}

base::Result<void> MailboxAdmin::set_quota(const MailboxName& root, const QuotaLimits& limits) {
  auto locks = MailboxLock::lock_user(root, config_, LockMode::exclusive);
  if (!locks) return tl::unexpected(std::move(locks.error()));
  return set_quota_locked(*locks, root, limits, config_, mailboxes_);
}

base::Result<void> MailboxAdmin::remove_quota(const MailboxName& root) {
  auto locks = MailboxLock::lock_user(root, config_, LockMode::exclusive);
  if (!locks) return tl::unexpected(std::move(locks.error()));
  return remove_quota_locked(*locks, root, config_, mailboxes_);
}

base::Result<std::optional<QuotaRoot>> MailboxAdmin::quota_of(const MailboxName& name) const {
  const auto info = mailbox_info(name);
  if (!info) return tl::unexpected(info.error());
  if (info->quota_root.empty()) return std::optional<QuotaRoot>();
  auto root = read_quota_root(info->quota_root, config_);
  if (!root && root.error().code == Errc::not_found) return std::optional<QuotaRoot>();  // usage is not kept
  if (!root) return tl::unexpected(std::move(root.error()));
  return std::optional(*std::move(root));
}

}  // namespace cyrus

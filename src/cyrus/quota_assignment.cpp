#include "cyrus/quota_assignment.hpp"

#include "base/directory.hpp"
#include "base/file_write.hpp"
#include "base/run_apart.hpp"
#include "cyrus/index_writer.hpp"
#include "cyrus/mailbox_files.hpp"
#include "cyrus/open_mailbox.hpp"
#include "cyrus/quota_file.hpp"
#include "cyrus/quota_usage.hpp"

#include <cerrno>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace cyrus {
namespace {

using base::Errc;

/// True for roots at or above `name`, the nearer the longer.
bool covers(const std::string& root, const MailboxName& name) {
  const std::string& intname = name.intname();
  return intname.starts_with(root) &&
         (intname.size() == root.size() || intname[root.size()] == '.' || root.ends_with('!'));
}

base::Result<std::optional<QuotaChange>> prepare_count(const std::string& root, const QuotaUsage& usage,
                                                       const MailboxName& name, const StoreConfig& config) {
  if (root.empty()) return std::optional<QuotaChange>();
  const auto file = quota_file_path(root, config);
  if (!file) return tl::unexpected(file.error());
  auto prepared = QuotaChange::prepare(*file, usage, name.intname(), "quota root " + root);
  if (!prepared) return tl::unexpected(std::move(prepared.error()));
  return std::optional(*std::move(prepared));
}

/// The move of one mailbox from one root to another, which happens as a whole.
struct Move {
  IndexWriter& index;
  const MailboxPaths& paths;
  std::optional<QuotaChange>& added;
  std::optional<QuotaChange>& removed;
  const std::string& root;
  const std::string& header_text;  // before
  const std::string& what;
};

void take_back(const base::Result<void>& done, base::Error& error) {
  if (!done) error.text += "; " + done.error().text + "; run quota -f";
}

/// Runs in a child (base/run_apart.hpp).
base::Result<std::string> carry_out(const Move& move) {
  base::Result<void> done;
  bool has_added = false;
  bool has_removed = false;
  if (move.added) {
    done = move.added->write();
    has_added = done.has_value();
  }
  if (done && move.removed) {
    done = move.removed->write();
    has_removed = done.has_value();
  }
  if (done) done = rewrite_mailbox_header(move.index, move.paths, {std::nullopt, move.root}, false, move.what);
  if (done) return std::string();
  if (has_removed) take_back(move.removed->undo(), done.error());
  if (has_added) take_back(move.added->undo(), done.error());
  return tl::unexpected(std::move(done.error()));
}

/// After the loss of the child that had it in hand.
void put_back(const Move& move, base::Error& error) {
  const auto text = read_mailbox_header_text(move.paths, move.what);
  if (!text || *text != move.header_text) {
    const auto& file = move.paths.file(MetaFile::header);
    take_back(base::replace_file(file, move.paths.new_file(MetaFile::header), move.header_text), error);
  }
  RecordEdits none(move.index.header().record_size);
  take_back(move.index.put_back(none), error);
  if (move.removed) take_back(move.removed->undo_of_lost_copy(), error);
  if (move.added) take_back(move.added->undo_of_lost_copy(), error);
}

/// Lets one mailbox be counted by `root`, when `from` approves of the root that it has.
base::Result<void> move_to_root(MailboxLock& locks, const MailboxName& name, const std::string& root,
                                bool (*from)(const std::string& old, const std::string& root),
                                const std::string& argument, const StoreConfig& config, const MailboxList& mailboxes) {
  const std::string what = "mailbox " + name.intname();
  const auto mailbox = lock_mailbox(locks, name, config, mailboxes, base::LockMode::exclusive);
  if (!mailbox) return tl::unexpected(mailbox.error());
  auto index = IndexWriter::open(locks.index_fd(), what + ": cyrus.index");
  if (!index) return tl::unexpected(index.error());
  const auto text = read_mailbox_header_text(mailbox->paths, what);
  if (!text) return tl::unexpected(text.error());
  const auto header = parse_mailbox_header(*text, what + ": cyrus.header");
  if (!header) return tl::unexpected(header.error());
  const std::string& old = header->quota_root;
  if (old == root || !from(old, argument)) return {};

  auto added = prepare_count(root, usage_of(index->header()), name, config);
  if (!added) return tl::unexpected(std::move(added.error()));
  auto removed = prepare_count(old, negated(usage_of(index->header())), name, config);
  if (!removed) return tl::unexpected(std::move(removed.error()));
  const Move move{*index, mailbox->paths, *added, *removed, root, *text, what};
  base::Apart apart = base::run_apart(what, [&] { return carry_out(move); });
  if (apart.result) return {};
  if (apart.lost) put_back(move, apart.result.error());
  return tl::unexpected(std::move(apart.result.error()));
}

bool is_further_away(const std::string& old, const std::string& root) { return old.size() < root.size(); }
bool is_the_same(const std::string& old, const std::string& root) { return old == root; }

base::Result<bool> has_file(const std::filesystem::path& file) {
  struct stat status = {};
  if (::stat(file.c_str(), &status) == 0) return true;
  if (errno == ENOENT) return false;
  return base::fail_system(file.native(), errno);
}

base::Result<void> make_or_change(const std::filesystem::path& file, const QuotaLimits& limits,
                                  const std::string& what) {
  const auto exists = has_file(file);
  if (!exists) return tl::unexpected(exists.error());
  if (*exists) {
    auto changed = QuotaChange::prepare(
        file, [&](std::string_view text) { return change_quota_limits(text, limits, what); }, what);
    if (!changed) return tl::unexpected(std::move(changed.error()));
    return changed->write();
  }
  if (auto made = base::make_directories(file.parent_path()); !made) return made;
  std::filesystem::path next = file;
  next += ".NEW";
  if (auto done = base::replace_file(file, next, new_quota_text(limits)); !done) return done;
  return base::sync_directory(file.parent_path());
}

base::Result<std::filesystem::path> root_file(const MailboxName& root, const StoreConfig& config) {
  const std::string what = "quota root " + root.intname() + ": ";
  if (root.userid().empty()) return base::fail(Errc::invalid, what + "not in the tree of a user");
  if (config.read_only) return base::fail(Errc::permission, what + "imapd.conf says readonly");
  if (config.conversations) {
    return base::fail(Errc::unsupported, what + "imapd.conf says conversations, whose counters are not written here");
  }
  if (config.quota_backend != "quotalegacy") {
    return base::fail(Errc::unsupported, what + "quota_db " + config.quota_backend + " is not written here");
  }
  return quota_file_path(root.intname(), config);
}

}  // namespace

base::Result<std::vector<MailboxRecord>> mailboxes_below(const MailboxName& top, const MailboxList& mailboxes) {
  std::vector<MailboxRecord> found;
  const auto done = mailboxes.for_each([&](base::Result<MailboxRecord> record) {
    // A record of somebody else that cannot be read is not ours to mind; it has no name to tell by.
    if (record && record->usable() && covers(top.intname(), record->name)) found.push_back(*std::move(record));
    return true;
  });
  if (!done) return tl::unexpected(done.error());
  return found;
}

base::Result<void> set_quota_locked(MailboxLock& locks, const MailboxName& root, const QuotaLimits& limits,
                                    const StoreConfig& config, const MailboxList& mailboxes) {
  const auto file = root_file(root, config);
  if (!file) return tl::unexpected(file.error());
  if (auto locked = locks.lock_quota_roots(config); !locked) return locked;
  const auto covered = mailboxes_below(root, mailboxes);
  if (!covered) return tl::unexpected(covered.error());
  if (covered->empty() || !(covered->front().name == root)) {
    return base::fail(Errc::not_found, "quota root " + root.intname() + ": no such mailbox");
  }
  if (auto done = make_or_change(*file, limits, "quota root " + root.intname()); !done) return done;
  for (const MailboxRecord& record : *covered) {
    auto moved = move_to_root(locks, record.name, root.intname(), is_further_away, root.intname(), config, mailboxes);
    locks.release_mailbox();
    if (!moved) return moved;
  }
  return {};
}

base::Result<void> remove_quota_locked(MailboxLock& locks, const MailboxName& root, const StoreConfig& config,
                                       const MailboxList& mailboxes) {
  const auto file = root_file(root, config);
  if (!file) return tl::unexpected(file.error());
  if (auto locked = locks.lock_quota_roots(config); !locked) return locked;
  const auto exists = has_file(*file);
  if (!exists) return tl::unexpected(exists.error());
  if (!*exists) return base::fail(Errc::not_found, "quota root " + root.intname() + ": there is none");
  std::string above;
  if (!(root == root.inbox())) {
    const auto parent = MailboxName::from_intname(root.intname().substr(0, root.intname().rfind('.')));
    if (!parent) return tl::unexpected(parent.error());
    auto found = find_quota_root(*parent, config);
    if (!found) return tl::unexpected(std::move(found.error()));
    above = *std::move(found);
  } else if (!root.domain().empty()) {
    const auto domain_file = quota_file_path(root.domain() + '!', config);
    const auto whole_domain = domain_file ? has_file(*domain_file) : base::Result<bool>(false);
    if (whole_domain && *whole_domain) above = root.domain() + '!';
  }
  const auto covered = mailboxes_below(root, mailboxes);
  if (!covered) return tl::unexpected(covered.error());
  for (const MailboxRecord& record : *covered) {
    auto moved = move_to_root(locks, record.name, above, is_the_same, root.intname(), config, mailboxes);
    locks.release_mailbox();
    if (!moved) return moved;
  }
  if (::unlink(file->c_str()) != 0 && errno != ENOENT) return base::fail_system(file->native(), errno);
  return base::sync_directory(file->parent_path());
}

}  // namespace cyrus

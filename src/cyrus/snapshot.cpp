#include "cyrus/snapshot.hpp"

#include "cyrus/index_reader.hpp"
#include "cyrus/open_mailbox.hpp"
#include "cyrus/poll_limit.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;

// What the scan listing can hold (maildrop::Entry), alone and in sum.
constexpr std::uint64_t kMaxOctets = (std::uint64_t{1} << 62) - 1;

/// The scan listing: one pass over the records.
base::Result<void> list_messages(const IndexReader& index, bool hide_deleted, const std::string& what,
                                 std::vector<maildrop::Entry>& entries) {
  const IndexHeader& header = index.header();
  // `exists` is only a hint, and never more than there are records: it may be stale after a crash.
  entries.reserve(std::min(header.exists, header.num_records));
  // Whole seconds on both sides, so that index version 20 hides the same messages as the older ones.
  const std::uint64_t show_after = header.pop3_show_after.seconds;
  const std::uint32_t hidden = flag_bit::kExpunged | (hide_deleted ? flag_bit::kDeleted : 0);

  std::uint64_t total = 0;
  return index.for_each([&](const IndexRecord& record) -> base::Result<void> {
    if (record.has(hidden)) return {};
    if (show_after != 0 && record.internaldate.seconds <= show_after) return {};
    if (record.size > kMaxOctets - total) {
      return base::fail(Errc::corrupt, what + ": cyrus.index: UID " + std::to_string(record.uid) + " of " +
                                           std::to_string(record.size) + " octets; run reconstruct");
    }
    total += record.size;
    entries.emplace_back(maildrop::Uid{record.uid}, record.size);
    return {};
  });
}

/// `directory` with the links that administrators use to spread partitions over disks resolved: message files are then
/// opened without following any (message_file.hpp).
std::string resolved(const fs::path& directory) {
  std::error_code error;
  const fs::path real = fs::canonical(directory, error);
  // A missing directory of an empty mailbox is no reason to refuse it; opening a message will name the problem.
  return (error ? directory : real).native();
}

/// As clients are told: whole ones, rounded up.
std::int64_t minutes(std::chrono::seconds interval) { return (interval.count() + 59) / 60; }

}  // namespace

base::Result<Snapshot> take_snapshot(const MailboxName& name, const StoreConfig& config, const MailboxList& mailboxes,
                                     const base::Log& log, std::uint64_t now) {
  const std::string what = "mailbox " + name.intname();
  const auto mailbox = open_mailbox(name, config, mailboxes, base::LockMode::shared);
  if (!mailbox) return tl::unexpected(mailbox.error());

  Snapshot snapshot(name);
  if (config.pop_use_acl) {
    snapshot.rights = rights_of(name.userid(), mailbox->record.acl, config.implicit_owner_rights);
    if (!snapshot.rights.read) return base::fail(Errc::permission, what + ": no right to read");
  }

  const std::string index_what = what + ": cyrus.index";
  const int index_fd = mailbox->locks.index_fd();
  const auto index = IndexReader::open(index_fd, index_what);
  if (!index) return tl::unexpected(index.error());
  const IndexHeader& header = index->header();
  if (header.has_option(option_bit::kDeleted)) {
    return base::fail(Errc::not_found, what + ": deleted, its files are about to go");
  }
  // A Cyrus that asks statuscache first does not get as far as that.
  const bool is_empty = config.statuscache && header.exists == 0;
  if (!is_empty && is_too_soon(header.pop3_last_login.seconds, now, config.pop_min_poll)) {
    return base::fail(Errc::limit, what + ": Logins must be at least " + std::to_string(minutes(config.pop_min_poll)) +
                                       " minutes apart");
  }
  const auto header_file = read_mailbox_header(*mailbox, header, log);
  if (!header_file) return tl::unexpected(header_file.error());
  if (const auto ok = list_messages(*index, config.pop_use_imap_flags, what, snapshot.entries); !ok) {
    return tl::unexpected(ok.error());
  }
  snapshot.is_unopened = is_empty && snapshot.entries.empty();

  struct stat status = {};
  if (::fstat(index_fd, &status) != 0) return base::fail_system(index_what, errno);
  snapshot.identity.uniqueid = header_file->uniqueid;
  snapshot.identity.partition = mailbox->record.partition;
  snapshot.identity.uidvalidity = header.uidvalidity;
  snapshot.identity.index_device = status.st_dev;
  snapshot.identity.index_inode = status.st_ino;
  snapshot.identity.generation_no = header.generation_no;
  snapshot.identity.login_time = now;
  snapshot.uidl = UidlRule{config.uidl_format, header.uidvalidity, header.has_option(option_bit::kPop3NewUidl)};
  snapshot.pop3_last_login = header.pop3_last_login;
  snapshot.data_directory = resolved(mailbox->paths.data_directory());
  if (mailbox->paths.archive_directory() != mailbox->paths.data_directory()) {
    snapshot.archive_directory = resolved(mailbox->paths.archive_directory());
  }
  return snapshot;
}

}  // namespace cyrus

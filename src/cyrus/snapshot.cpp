#include "cyrus/snapshot.hpp"

#include "base/crc32.hpp"
#include "base/file_io.hpp"
#include "cyrus/index_reader.hpp"
#include "cyrus/mailbox_header.hpp"
#include "cyrus/mailbox_lock.hpp"
#include "cyrus/mailbox_paths.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::LockMode;

// What the scan listing can hold (maildrop::Entry), alone and in sum.
constexpr std::uint64_t kMaxOctets = (std::uint64_t{1} << 62) - 1;
// An access list of tens of thousands of entries still fits.
constexpr std::size_t kMaxHeaderFile = std::size_t{16} * 1024 * 1024;

/// Whether POP3 can serve the mailbox of `record`, as an error when not.
base::Result<void> check_usable(const MailboxRecord& record, const std::string& what) {
  if (record.deleted) return base::fail(Errc::not_found, what + ": deleted");
  if (record.intermediate) return base::fail(Errc::not_found, what + ": a name without a mailbox");
  if (record.moving) return base::fail(Errc::unsupported, what + ": being moved to another server");
  if (record.remote) return base::fail(Errc::unsupported, what + ": is on server " + record.server);
  if (record.reserved) return base::fail(Errc::unsupported, what + ": reserved by another server");
  if (!record.usable()) return base::fail(Errc::corrupt, what + ": mailboxes.db names no partition");
  return {};
}

/// A file of the mailbox that is missing although mailboxes.db lists the mailbox is damage, not absence; so is one that
/// is no regular file (invalid) or larger than any can be (limit).
base::Error as_damage(base::Error error) {
  if (error.code != Errc::not_found && error.code != Errc::invalid && error.code != Errc::limit) return error;
  return base::Error{Errc::corrupt, error.text + "; run reconstruct", error.errnum};
}

/// Reads cyrus.header and checks that it belongs to the mailbox of `record`. Sets `identity.uniqueid`.
base::Result<void> check_header_file(const MailboxRecord& record, const MailboxPaths& paths, const IndexHeader& index,
                                     const std::string& what, const base::Log& log, SnapshotIdentity& identity) {
  const auto text = base::read_file(paths.file(MetaFile::header), kMaxHeaderFile);
  if (!text) {
    base::Error error = as_damage(text.error());
    return tl::unexpected(base::Error{error.code, what + ": " + error.text, error.errnum});
  }
  const auto header = parse_mailbox_header(*text, what + ": cyrus.header");
  if (!header) return tl::unexpected(header.error());

  // Only records and headers of 3.4 and older can be without a uniqueid.
  if (!record.uniqueid.empty() && !header->uniqueid.empty() && record.uniqueid != header->uniqueid) {
    return base::fail(Errc::corrupt, what + ": cyrus.header has uniqueid " + header->uniqueid +
                                         ", but mailboxes.db has " + record.uniqueid + "; run reconstruct");
  }
  identity.uniqueid = record.uniqueid.empty() ? header->uniqueid : record.uniqueid;

  // A crash between the two writes leaves this; Cyrus warns and goes on, and repairs it with its next change.
  if (index.header_file_crc != 0 && index.header_file_crc != base::crc32(*text)) {
    log.warning(what + ": cyrus.header does not match the CRC in cyrus.index");
  }
  return {};
}

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

}  // namespace

base::Result<Snapshot> take_snapshot(const MailboxName& name, const StoreConfig& config, const MailboxList& mailboxes,
                                     const base::Log& log) {
  const std::string what = "mailbox " + name.intname();
  const auto prefixed = [&what](const base::Error& error) {
    if (error.text.starts_with(what)) return tl::unexpected(error);
    return tl::unexpected(base::Error{error.code, what + ": " + error.text, error.errnum});
  };

  auto locks = MailboxLock::lock_user(name, config, LockMode::shared);
  if (!locks) return prefixed(locks.error());
  const auto record = mailboxes.find(name);
  if (!record) return prefixed(record.error());
  if (const auto usable = check_usable(*record, what); !usable) return tl::unexpected(usable.error());
  if (const auto taken = locks->lock_name(*record, config, LockMode::shared); !taken) return prefixed(taken.error());

  const auto paths = MailboxPaths::of(*record, config);
  if (!paths) return prefixed(paths.error());
  const fs::path index_path = paths->file(MetaFile::index);
  // A directory can be opened, a FIFO too without waiting: IndexReader finds out that it is no file.
  auto index_fd = base::open_file(index_path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!index_fd) return prefixed(as_damage(index_fd.error()));
  const std::string index_what = what + ": cyrus.index";
  if (const auto taken = locks->lock_index(std::move(*index_fd), LockMode::shared, index_what); !taken) {
    return tl::unexpected(taken.error());
  }

  const auto index = IndexReader::open(locks->index_fd(), index_what);
  if (!index) return tl::unexpected(index.error());
  const IndexHeader& header = index->header();
  if (header.has_option(option_bit::kDeleted)) {
    return base::fail(Errc::not_found, what + ": deleted, its files are about to go");
  }

  Snapshot snapshot(name);
  if (const auto ok = check_header_file(*record, *paths, header, what, log, snapshot.identity); !ok) {
    return tl::unexpected(ok.error());
  }
  if (const auto ok = list_messages(*index, config.pop_use_imap_flags, what, snapshot.entries); !ok) {
    return tl::unexpected(ok.error());
  }

  struct stat status = {};
  if (::fstat(locks->index_fd(), &status) != 0) return base::fail_system(index_what, errno);
  snapshot.identity.partition = record->partition;
  snapshot.identity.uidvalidity = header.uidvalidity;
  snapshot.identity.index_device = status.st_dev;
  snapshot.identity.index_inode = status.st_ino;
  snapshot.identity.generation_no = header.generation_no;
  snapshot.uidl = UidlRule{config.uidl_format, header.uidvalidity, header.has_option(option_bit::kPop3NewUidl)};
  snapshot.pop3_last_login = header.pop3_last_login;
  snapshot.data_directory = resolved(paths->data_directory());
  if (paths->archive_directory() != paths->data_directory()) {
    snapshot.archive_directory = resolved(paths->archive_directory());
  }
  return snapshot;
}

}  // namespace cyrus

#include "cyrus/open_mailbox.hpp"

#include "base/crc32.hpp"
#include "base/file_io.hpp"

#include <fcntl.h>
#include <utility>

namespace cyrus {
namespace {

using base::Errc;
using base::LockMode;

// An access list of tens of thousands of entries still fits.
constexpr std::size_t kMaxHeaderFile = std::size_t{16} * 1024 * 1024;

/// A file of the mailbox that is missing although mailboxes.db lists the mailbox is damage, not absence; so is one that
/// is no regular file (invalid) or larger than any can be (limit).
base::Error as_damage(base::Error error) {
  if (error.code != Errc::not_found && error.code != Errc::invalid && error.code != Errc::limit) return error;
  return base::Error{Errc::corrupt, error.text + "; run reconstruct", error.errnum};
}

tl::unexpected<base::Error> prefixed(const std::string& what, const base::Error& error) {
  if (error.text.starts_with(what)) return tl::unexpected(error);
  return tl::unexpected(base::Error{error.code, what + ": " + error.text, error.errnum});
}

}  // namespace

base::Result<void> check_usable(const MailboxRecord& record, const std::string& what) {
  if (record.deleted) return base::fail(Errc::not_found, what + ": deleted");
  if (record.intermediate) return base::fail(Errc::not_found, what + ": a name without a mailbox");
  if (record.moving) return base::fail(Errc::unsupported, what + ": being moved to another server");
  if (record.remote) return base::fail(Errc::unsupported, what + ": is on server " + record.server);
  if (record.reserved) return base::fail(Errc::unsupported, what + ": reserved by another server");
  if (!record.usable()) return base::fail(Errc::corrupt, what + ": mailboxes.db names no partition");
  return {};
}

base::Result<LockedMailbox> lock_mailbox(MailboxLock& locks, const MailboxName& name, const StoreConfig& config,
                                         const MailboxList& mailboxes, LockMode mode, LockMode name_mode) {
  const std::string what = "mailbox " + name.intname();
  auto record = mailboxes.find(name);
  if (!record) {
    // A record too large to be one; `limit` means something else to callers.
    if (record.error().code == Errc::limit) record.error().code = Errc::corrupt;
    return prefixed(what, record.error());
  }
  if (const auto usable = check_usable(*record, what); !usable) return tl::unexpected(usable.error());
  if (const auto taken = locks.lock_name(*record, config, name_mode); !taken) return prefixed(what, taken.error());

  auto paths = MailboxPaths::of(*record, config);
  // The mailbox is there; imapd.conf does not say any more where.
  if (!paths) return prefixed(what, base::Error{Errc::corrupt, paths.error().text});
  const int access = mode == LockMode::exclusive ? O_RDWR : O_RDONLY;
  // A directory can be opened for reading, a FIFO too without waiting: IndexReader finds out that it is no file.
  auto index_fd = base::open_file(paths->file(MetaFile::index), access | O_NONBLOCK | O_NOCTTY);
  if (!index_fd) return prefixed(what, as_damage(index_fd.error()));
  if (const auto taken = locks.lock_index(std::move(*index_fd), mode, what + ": cyrus.index"); !taken) {
    return tl::unexpected(taken.error());
  }
  return LockedMailbox{std::move(*record), std::move(*paths)};
}

base::Result<OpenMailbox> open_mailbox(const MailboxName& name, const StoreConfig& config, const MailboxList& mailboxes,
                                       LockMode mode) {
  auto locks = MailboxLock::lock_user(name, config, mode);
  if (!locks) return prefixed("mailbox " + name.intname(), locks.error());
  auto mailbox = lock_mailbox(*locks, name, config, mailboxes, mode);
  if (!mailbox) return tl::unexpected(std::move(mailbox.error()));
  return OpenMailbox{std::move(*locks), std::move(mailbox->record), std::move(mailbox->paths)};
}

base::Result<std::string> read_mailbox_header_text(const MailboxPaths& paths, const std::string& what) {
  auto text = base::read_file(paths.file(MetaFile::header), kMaxHeaderFile);
  if (!text) return prefixed(what, as_damage(text.error()));
  return text;
}

base::Result<MailboxHeader> read_mailbox_header(const OpenMailbox& mailbox, const IndexHeader& index,
                                                const base::Log& log) {
  const std::string what = "mailbox " + mailbox.record.name.intname();
  const auto text = read_mailbox_header_text(mailbox.paths, what);
  if (!text) return tl::unexpected(text.error());
  auto header = parse_mailbox_header(*text, what + ": cyrus.header");
  if (!header) return header;

  const std::string& listed = mailbox.record.uniqueid;
  if (!listed.empty() && !header->uniqueid.empty() && listed != header->uniqueid) {
    return base::fail(Errc::corrupt, what + ": cyrus.header has uniqueid " + header->uniqueid +
                                         ", but mailboxes.db has " + listed + "; run reconstruct");
  }
  if (!listed.empty()) header->uniqueid = listed;

  if (index.header_file_crc != 0 && index.header_file_crc != base::crc32(*text)) {
    log.warning(what + ": cyrus.header does not match the CRC in cyrus.index");
  }
  return header;
}

base::Result<MailboxHeader> read_mailbox_header(const MailboxPaths& paths, const std::string& what) {
  const auto text = read_mailbox_header_text(paths, what);
  if (!text) return tl::unexpected(text.error());
  return parse_mailbox_header(*text, what + ": cyrus.header");
}

}  // namespace cyrus

#include "cyrus/mailbox_files.hpp"

#include "base/ascii.hpp"
#include "base/check.hpp"
#include "base/crc32.hpp"
#include "base/directory.hpp"
#include "base/file_write.hpp"
#include "cyrus/index_change.hpp"
#include "cyrus/open_mailbox.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <set>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;

constexpr std::uint32_t kFirstSyncAnnotCrc = 12345678;

std::set<fs::path> needed_directories(const MailboxPaths& paths) {
  return {paths.data_directory(), paths.file(MetaFile::header).parent_path(),
          paths.file(MetaFile::index).parent_path()};
}

bool is_message_name(const std::string& name) {
  return name.size() > 1 && name.back() == '.' &&
         std::all_of(name.begin(), name.end() - 1, [](char c) { return base::ascii::is_digit(c); });
}

base::Result<void> check_no_messages(const fs::path& directory) {
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    if (is_message_name(entry->path().filename().native())) {
      return base::fail(Errc::corrupt, directory.native() + ": has messages, but no mailbox; run reconstruct");
    }
  }
  if (error) return base::fail_system(directory.native(), error.value());
  return {};
}

base::Result<base::UniqueFd> open_new_index(const fs::path& file) {
  for (;;) {
    base::UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0666));
    if (fd) return fd;
    if (errno != EINTR) return base::fail_system(file.native(), errno);
  }
}

base::Result<void> finish_rewriting(IndexWriter& index, const MailboxPaths& paths, std::uint32_t crc,
                                    bool bump_modseq) {
  if (auto synced = base::sync_directory(paths.file(MetaFile::header).parent_path()); !synced) return synced;
  const IndexHeaderLayout& at = index.header().format_table->header;
  std::vector<unsigned char> bytes(index.header_bytes().begin(), index.header_bytes().end());
  store(bytes, at.header_file_crc, crc);
  if (bump_modseq) store(bytes, at.highestmodseq, index.header().highestmodseq + 1);
  seal(bytes);
  RecordEdits none(index.header().record_size);
  return index.commit(none, bytes, IndexWriter::Durability::before_return);
}

}  // namespace

std::vector<unsigned char> encode_new_index(IndexHeader header) {
  const IndexFormat* format = find_index_format(kNewIndexVersion);
  CHECK(format != nullptr);
  std::vector<unsigned char> bytes(format->header_size);
  store(bytes, kMinorVersionField, format->version);
  store(bytes, kStartOffsetField, format->header_size);
  store(bytes, kRecordSizeField, format->record_size);
  const IndexHeaderLayout& at = format->header;
  store(bytes, at.uidvalidity, header.uidvalidity);
  store(bytes, at.options, header.options);
  store(bytes, at.highestmodseq, header.highestmodseq);
  store(bytes, at.createdmodseq, header.createdmodseq);
  store(bytes, at.changes_epoch, header.changes_epoch);
  store(bytes, at.header_file_crc, header.header_file_crc);
  store(bytes, at.sync_crc_annot, kFirstSyncAnnotCrc);
  store(bytes, at.quota_annot_used, header.quota_annot_used);
  seal(bytes);
  return bytes;
}

base::Result<void> make_mailbox_files(MailboxLock& locks, const MailboxRecord& record, const std::string& quota_root,
                                      std::uint32_t options, std::uint64_t annotation_octets,
                                      const MailboxPaths& paths) {
  const std::string what = "mailbox " + record.name.intname();
  const auto directories = needed_directories(paths);
  for (const fs::path& directory : directories) {
    if (auto made = base::make_directories(directory); !made) return made;
  }
  if (auto empty = check_no_messages(paths.data_directory()); !empty) return empty;

  MailboxHeader header_file;
  header_file.intname = record.name.intname();
  header_file.type = record.legacy_layout ? "el" : "e";
  header_file.uniqueid = record.uniqueid;
  header_file.quota_root = quota_root;
  header_file.acl = record.acl;
  const std::string text = encode_mailbox_header(header_file);
  if (auto done = base::replace_file(paths.file(MetaFile::header), paths.new_file(MetaFile::header), text); !done) {
    return done;
  }

  auto index = open_new_index(paths.file(MetaFile::index));
  if (!index) return tl::unexpected(std::move(index.error()));
  if (auto locked = locks.lock_index(std::move(*index), base::LockMode::exclusive, what + ": cyrus.index"); !locked) {
    return locked;
  }
  IndexHeader header;
  header.uidvalidity = record.uidvalidity;
  header.options = options | option_bit::kPop3NewUidl;
  header.highestmodseq = std::max<std::uint64_t>(record.folder_modseq, 1);
  header.createdmodseq = std::max<std::uint64_t>(record.created_modseq, 1);
  header.changes_epoch.seconds = static_cast<std::uint64_t>(record.mtime);
  header.header_file_crc = base::crc32(text);
  header.quota_annot_used = annotation_octets;
  const auto bytes = encode_new_index(header);
  const std::string index_what = what + ": cyrus.index";
  if (::ftruncate(locks.index_fd(), 0) != 0) return base::fail_system(index_what, errno);
  if (auto written = base::write_exactly(locks.index_fd(), bytes, 0, index_what); !written) return written;
  if (auto synced = base::sync_file(locks.index_fd(), index_what); !synced) return synced;
  for (const fs::path& directory : directories) {
    if (auto synced = base::sync_directory(directory); !synced) return synced;
  }
  return {};
}

void remove_mailbox_files(const MailboxPaths& paths) noexcept {
  // What cannot be removed is overwritten by the next attempt, or never found again.
  for (const MetaFile kind : {MetaFile::index, MetaFile::header}) {
    static_cast<void>(::unlink(paths.file(kind).c_str()));
    static_cast<void>(::unlink(paths.new_file(kind).c_str()));
  }
  for (const fs::path& directory : needed_directories(paths)) static_cast<void>(::rmdir(directory.c_str()));
}

base::Result<void> rewrite_mailbox_header(IndexWriter& index, const MailboxPaths& paths,
                                          const MailboxHeaderChange& change, bool bump_modseq,
                                          const std::string& what) {
  const auto before = read_mailbox_header_text(paths, what);
  if (!before) return tl::unexpected(before.error());
  const auto after = change_mailbox_header(*before, change, what + ": cyrus.header");
  if (!after) return tl::unexpected(after.error());
  if (*after != *before) {
    if (auto done = base::replace_file(paths.file(MetaFile::header), paths.new_file(MetaFile::header), *after); !done) {
      return done;
    }
  }
  // The name has the new file. If the rest fails, the old text comes back: its CRC is the one in the index.
  auto done = finish_rewriting(index, paths, base::crc32(*after), bump_modseq);
  if (!done && *after != *before) {
    const auto undone = base::replace_file(paths.file(MetaFile::header), paths.new_file(MetaFile::header), *before);
    if (!undone) done.error().text += "; " + undone.error().text;
  }
  return done;
}

}  // namespace cyrus

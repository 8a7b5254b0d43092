#include "cyrus/twoskip_file.hpp"

#include "base/file_io.hpp"
#include "cyrus/skiplist_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace cyrus {
namespace {

using base::Errc;

constexpr int kRenameRetries = 8;

base::Result<base::UniqueFd> open_retrying(const std::filesystem::path& path, int flags, mode_t mode) {
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd >= 0) return base::UniqueFd{fd};
    if (errno != EINTR) return base::fail_system(path.native(), errno);
  }
}

base::Result<void> check_done(int result, const std::string& what) {
  if (result != 0) return base::fail_system(what, errno);
  return {};
}

}  // namespace

base::Result<void> TwoskipDisk::write(int fd, std::span<const unsigned char> bytes, std::uint64_t offset,
                                      const std::string& what) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return base::fail_system(what, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  return {};
}

base::Result<void> TwoskipDisk::sync(int fd, const std::string& what) { return check_done(::fsync(fd), what); }

base::Result<void> TwoskipDisk::sync_data(int fd, const std::string& what) { return check_done(::fdatasync(fd), what); }

base::Result<void> TwoskipDisk::truncate(int fd, std::uint64_t size, const std::string& what) {
  return check_done(::ftruncate(fd, static_cast<off_t>(size)), what);
}

base::Result<void> TwoskipDisk::rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  return check_done(::rename(from.c_str(), to.c_str()), to.native());
}

base::Result<void> TwoskipDisk::sync_directory(const std::filesystem::path& directory) {
  const auto fd = base::open_file(directory, O_RDONLY | O_DIRECTORY);
  if (!fd) return tl::unexpected(fd.error());
  return check_done(::fsync(fd->value()), directory.native());
}

TwoskipDisk& TwoskipDisk::plain() {
  static TwoskipDisk disk;
  return disk;
}

base::Result<TwoskipFile> TwoskipFile::open(std::filesystem::path path, base::LockMode mode, Missing missing,
                                            TwoskipDisk& disk) {
  // O_NONBLOCK: a FIFO must not hold us.
  const int flags = (mode == base::LockMode::exclusive ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_NOCTTY |
                    (missing == Missing::create ? O_CREAT : 0);
  for (int attempt = 0; attempt < kRenameRetries; ++attempt) {
    TwoskipFile file(path, disk);
    struct stat opened = {};
    struct stat named = {};
    // A directory (zeroskip) cannot even be opened for writing.
    if (::stat(path.c_str(), &named) == 0 && !S_ISREG(named.st_mode)) {
      return base::fail(Errc::unsupported, path.native() + ": not a regular file");
    }
    auto fd = open_retrying(path, flags, 0600);
    if (!fd) return tl::unexpected(std::move(fd.error()));
    file.fd_ = *std::move(fd);
    auto lock = base::FileLock::try_lock(file.fd_.value(), mode, path.native());
    if (!lock) return tl::unexpected(std::move(lock.error()));
    file.lock_ = *std::move(lock);
    if (::fstat(file.fd_.value(), &opened) != 0) return base::fail_system(path.native(), errno);
    if (!S_ISREG(opened.st_mode)) return base::fail(Errc::unsupported, path.native() + ": not a regular file");
    if (::stat(path.c_str(), &named) != 0) {
      if (errno == ENOENT) continue;  // removed meanwhile: opening says so, or makes it anew
      return base::fail_system(path.native(), errno);
    }
    if (opened.st_dev != named.st_dev || opened.st_ino != named.st_ino) continue;
    file.size_ = static_cast<std::uint64_t>(opened.st_size);
    return file;
  }
  return base::fail(Errc::busy, path.native() + ": was replaced again and again");
}

ReadAt TwoskipFile::reader() const {
  return [fd = fd_.value(), what = what()](std::span<unsigned char> into, std::uint64_t offset) {
    return base::read_some(fd, std::span(reinterpret_cast<char*>(into.data()), into.size()), offset, what);
  };
}

base::Result<void> TwoskipFile::write(std::span<const unsigned char> bytes, std::uint64_t offset) {
  // What is overwritten in place, heads and the header, must not stay half old and half new: neither CRC would hold.
  std::vector<unsigned char> before;
  if (offset + bytes.size() <= size_) {
    before.resize(bytes.size());
    if (auto read = base::read_exactly(fd_.value(), before, offset, what()); !read) return read;
  }
  auto done = disk_->write(fd_.value(), bytes, offset, what());
  // If this fails too, recovery has to do without the record.
  if (!done && !before.empty()) static_cast<void>(disk_->write(fd_.value(), before, offset, what()));
  // Also after a failure: how much of it was written is not known, and what is behind the end must go.
  size_ = std::max(size_, offset + bytes.size());
  return done;
}

base::Result<void> TwoskipFile::sync() { return disk_->sync(fd_.value(), what()); }

base::Result<void> TwoskipFile::sync_data() { return disk_->sync_data(fd_.value(), what()); }

base::Result<void> TwoskipFile::truncate(std::uint64_t size) {
  auto done = disk_->truncate(fd_.value(), size, what());
  if (done) size_ = size;
  return done;
}

base::Result<TwoskipFile> TwoskipFile::new_version() const {
  struct stat old = {};
  if (::fstat(fd_.value(), &old) != 0) return base::fail_system(what(), errno);
  TwoskipFile next(path_.native() + ".NEW", *disk_);
  if (::unlink(next.path_.c_str()) != 0 && errno != ENOENT) return base::fail_system(next.what(), errno);
  // O_EXCL also keeps us from following a symbolic link.
  auto fd = open_retrying(next.path_, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (!fd) return tl::unexpected(std::move(fd.error()));
  next.fd_ = *std::move(fd);
  struct stat made = {};
  if (::fstat(next.fd_.value(), &made) != 0) return base::fail_system(next.what(), errno);
  const bool other_owner = made.st_uid != old.st_uid || made.st_gid != old.st_gid;
  if ((other_owner && ::fchown(next.fd_.value(), old.st_uid, old.st_gid) != 0) ||
      ::fchmod(next.fd_.value(), old.st_mode & 0777) != 0) {
    const int errnum = errno;
    const std::string name = next.what();
    discard(std::move(next));
    return base::fail_system(name, errnum);
  }
  // From the rename on others can open it, while we may go on with it.
  auto lock = base::FileLock::try_lock(next.fd_.value(), base::LockMode::exclusive, next.what());
  if (!lock) return tl::unexpected(std::move(lock.error()));
  next.lock_ = *std::move(lock);
  return next;
}

base::Result<void> TwoskipFile::replace_by(TwoskipFile next, bool& replaced) {
  replaced = false;
  if (auto done = disk_->rename(next.path_, path_); !done) {
    discard(std::move(next));
    return done;
  }
  replaced = true;
  next.path_ = path_;
  *this = std::move(next);
  const auto parent = path_.parent_path();
  return disk_->sync_directory(parent.empty() ? "." : parent);
}

void TwoskipFile::discard(TwoskipFile unwanted) {
  // If it stays, the next one who needs the name removes it.
  static_cast<void>(::unlink(unwanted.path_.c_str()));
}

base::Result<DatabaseKind> database_kind(const ReadAt& read) {
  std::array<unsigned char, 32> bytes{};
  const auto got = read(bytes, 0);
  if (!got) return tl::unexpected(got.error());
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()), *got);
  if (start.empty()) return DatabaseKind::empty;
  if (is_twoskip(start)) return DatabaseKind::twoskip;
  if (is_skiplist(start)) return DatabaseKind::skiplist;
  // All binary formats of Cyrus begin with these octets; a flat file begins with a key.
  if (start.starts_with("\xa1\x02\x8b\x0d")) return DatabaseKind::other_binary;
  return DatabaseKind::flat;
}

}  // namespace cyrus

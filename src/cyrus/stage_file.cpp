#include "cyrus/stage_file.hpp"

#include "base/ascii.hpp"
#include "base/file_io.hpp"
#include "base/file_write.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <sys/random.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace cyrus {
namespace {

namespace fs = std::filesystem;
using base::Errc;

// Cyrus's own files there are named by numbers.
constexpr std::string_view kPrefix = "pillarbox-";
constexpr int kAttempts = 16;
constexpr std::size_t kCopyChunk = std::size_t{256} * 1024;

fs::path stage_directory(const fs::path& partition_root) { return partition_root / "stage."; }

base::Result<fs::path> stage_directory_of(const StoreConfig::Roots& partitions, std::string_view partition) {
  const auto root = partitions.find(base::ascii::lower(partition));
  if (root == partitions.end()) {
    return base::fail(Errc::invalid, "partition " + std::string(partition) + ": not in imapd.conf");
  }
  return stage_directory(root->second);
}

base::Result<std::string> random_name() {
  std::array<unsigned char, 12> octets{};
  if (::getrandom(octets.data(), octets.size(), 0) != static_cast<ssize_t>(octets.size())) {
    return base::fail_system("getrandom", errno);
  }
  std::string name(kPrefix);
  for (const unsigned char octet : octets) {
    name += "0123456789abcdef"[octet >> 4];
    name += "0123456789abcdef"[octet & 15];
  }
  return name;
}

/// Whether `path` names the file that `fd` has open.
bool is_named(int fd, const fs::path& path) {
  struct stat opened = {};
  struct stat named = {};
  return ::fstat(fd, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

}  // namespace

StageFile::StageFile(fs::path path, base::UniqueFd fd, base::FileLock lock)
    : path_(std::move(path)), fd_(std::move(fd)), lock_(std::move(lock)) {}

StageFile& StageFile::operator=(StageFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(lock_, other.lock_);
  return *this;
}

StageFile::~StageFile() {
  // What stays is removed at the next start.
  if (!path_.empty()) static_cast<void>(::unlink(path_.c_str()));
}

base::Result<StageFile> StageFile::make(const StoreConfig::Roots& partitions, std::string_view partition) {
  const auto directory = stage_directory_of(partitions, partition);
  if (!directory) return tl::unexpected(directory.error());
  bool has_made_directory = false;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto name = random_name();
    if (!name) return tl::unexpected(name.error());
    fs::path path = *directory / *name;
    base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!fd && errno == ENOENT && !has_made_directory) {
      if (::mkdir(directory->c_str(), 0755) != 0 && errno != EEXIST) {
        return base::fail_system(directory->native(), errno);
      }
      has_made_directory = true;
      continue;
    }
    if (!fd && (errno == EINTR || errno == EEXIST)) continue;
    if (!fd) return base::fail_system(path.native(), errno);
    auto lock = base::FileLock::try_lock(fd.value(), base::LockMode::exclusive, path.native());
    // Between these two calls a process that starts may take it for a leftover.
    if (!lock && lock.error().code == Errc::busy) continue;
    if (!lock) {
      static_cast<void>(::unlink(path.c_str()));
      return tl::unexpected(lock.error());
    }
    StageFile file(path, std::move(fd), std::move(*lock));
    if (is_named(file.fd(), path)) return file;
  }
  return base::fail(Errc::io, directory->native() + ": no stage file could be made");
}

base::Result<void> StageFile::complete(Time modified, bool durable) {
  const timespec time{static_cast<std::time_t>(modified.seconds), static_cast<long>(modified.nanoseconds)};
  const std::array<timespec, 2> times{time, time};
  if (::futimens(fd(), times.data()) != 0) return base::fail_system(path_.native(), errno);
  if (!durable) return {};
  return base::sync_file(fd(), path_.native());
}

base::Result<StageFile> copy_stage_file(const StageFile& from, std::uint64_t octets, Time modified,
                                        const StoreConfig::Roots& partitions, std::string_view partition) {
  auto copy = StageFile::make(partitions, partition);
  if (!copy) return copy;
  std::vector<unsigned char> chunk(static_cast<std::size_t>(std::min<std::uint64_t>(octets, kCopyChunk)));
  for (std::uint64_t offset = 0; offset < octets; offset += chunk.size()) {
    chunk.resize(static_cast<std::size_t>(std::min<std::uint64_t>(octets - offset, kCopyChunk)));
    const auto read = base::read_exactly(from.fd(), chunk, offset, from.path().native());
    if (!read) return tl::unexpected(read.error());
    const auto written = base::write_exactly(copy->fd(), chunk, offset, copy->path().native());
    if (!written) return tl::unexpected(written.error());
  }
  if (const auto done = copy->complete(modified); !done) return tl::unexpected(done.error());
  return copy;
}

std::size_t remove_stale_stage_files(const StoreConfig& config) {
  std::size_t removed = 0;
  for (const auto& [name, root] : config.partitions) {
    std::error_code error;
    for (fs::directory_iterator entry(stage_directory(root), error), end; !error && entry != end;
         entry.increment(error)) {
      const fs::path& path = entry->path();
      if (!path.filename().native().starts_with(kPrefix)) continue;
      const base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
      if (!fd) continue;
      const auto lock = base::FileLock::try_lock(fd.value(), base::LockMode::exclusive, path.native());
      if (lock && is_named(fd.value(), path) && ::unlink(path.c_str()) == 0) ++removed;
    }
  }
  return removed;
}

}  // namespace cyrus

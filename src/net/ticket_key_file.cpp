#include "net/ticket_key_file.hpp"

#include "base/file_io.hpp"
#include "base/file_lock.hpp"
#include "base/file_write.hpp"
#include "base/secret.hpp"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace net {
namespace {

using base::Errc;
using base::fail;
using base::fail_system;
using base::Result;

constexpr std::size_t kMaxFileOctets = 16 * 1024;
constexpr mode_t kOursAlone = 0600;

base::UniqueFd create(const std::filesystem::path& path, int flags) {
  return base::UniqueFd(::open(path.c_str(), flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOursAlone));
}

Result<void> check_is_ours_alone(int fd, const std::filesystem::path& path) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return fail_system(path.native(), errno);
  if (!S_ISREG(status.st_mode)) return fail(Errc::permission, path.native() + ": not a regular file");
  if (status.st_uid != ::geteuid()) return fail(Errc::permission, path.native() + ": belongs to somebody else");
  if ((status.st_mode & 077) != 0) return fail(Errc::permission, path.native() + ": others may read or write it");
  return {};
}

}  // namespace

Result<TicketKeys> TicketKeyFile::current(std::int64_t now) const {
  auto keys = read();
  if (!keys && keys.error().code == Errc::permission) return keys;
  if (keys && !keys->is_due(now, lifetime_)) return keys;

  if (::mkdir(path_.parent_path().c_str(), 0700) != 0 && errno != EEXIST) {
    return fail_system(path_.parent_path().native(), errno);
  }
  const std::filesystem::path lock_path = path_.native() + ".lock";
  const base::UniqueFd lock_file = create(lock_path, O_RDWR);
  if (!lock_file) return fail_system(lock_path.native(), errno);
  const auto lock = base::FileLock::try_lock(lock_file.value(), base::LockMode::exclusive, lock_path.native());
  if (!lock) {
    if (keys && !keys->empty()) return keys;
    return tl::unexpected(lock.error());
  }

  keys = read();  // somebody may have been here before us
  if (!keys && keys.error().code == Errc::permission) return keys;
  if (keys && !keys->is_due(now, lifetime_)) return keys;
  const TicketKeys next = (keys ? *keys : TicketKeys()).rotated(now, lifetime_);
  if (const auto done = write(next); !done) return tl::unexpected(done.error());
  return next;
}

// No keys for a file that is not there; corrupt for one that holds something else.
Result<TicketKeys> TicketKeyFile::read() const {
  const base::UniqueFd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file && errno == ENOENT) return TicketKeys();
  if (!file && errno == ELOOP) return fail(Errc::permission, path_.native() + ": is a link");
  if (!file) return fail_system(path_.native(), errno);
  if (const auto ours = check_is_ours_alone(file.value(), path_); !ours) return tl::unexpected(ours.error());
  std::string text(kMaxFileOctets, '\0');
  const auto octets = base::read_some(file.value(), text, 0, path_.native());
  if (!octets) return tl::unexpected(octets.error());
  auto keys = TicketKeys::parse(std::string_view(text).substr(0, *octets));
  base::wipe(text);
  return keys;
}

// Readers see the old file or the new one.
Result<void> TicketKeyFile::write(const TicketKeys& keys) const {
  const std::filesystem::path next = path_.native() + ".new";
  static_cast<void>(::unlink(next.c_str()));  // left by somebody who was killed; we have the lock
  const base::UniqueFd file = create(next, O_WRONLY | O_EXCL);
  if (!file) return fail_system(next.native(), errno);
  std::string text = keys.text();
  const auto* octets = reinterpret_cast<const unsigned char*>(text.data());
  const auto written = base::write_exactly(file.value(), {octets, text.size()}, 0, next.native());
  base::wipe(text);
  if (!written) return written;
  if (const auto synced = base::sync_file(file.value(), next.native()); !synced) return synced;
  if (::rename(next.c_str(), path_.c_str()) != 0) return fail_system(path_.native(), errno);
  return {};
}

}  // namespace net

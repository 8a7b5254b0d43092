#include "master/pid_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace master {

base::Result<PidFile> PidFile::create(const std::string& path) {
  base::UniqueFd fd(::open(path.c_str(), O_CREAT | O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644));
  if (!fd) return base::fail_system("pid file " + path, errno);
  struct stat status = {};
  if (::fstat(fd.value(), &status) != 0) return base::fail_system("pid file " + path, errno);
  if (!S_ISREG(status.st_mode)) return base::fail(base::Errc::invalid, "pid file " + path + ": not a regular file");

  auto lock = base::FileLock::try_lock(fd.value(), base::LockMode::exclusive, "pid file " + path);
  if (!lock) {
    if (lock.error().code != base::Errc::busy) return tl::unexpected<base::Error>(std::move(lock.error()));
    return base::fail(base::Errc::busy,
                      "pid file " + path + ": cannot get exclusive lock on pidfile (is another master still running?)");
  }
  const std::string content = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.value(), 0) != 0) return base::fail_system("pid file " + path, errno);
  const ssize_t written = ::pwrite(fd.value(), content.data(), content.size(), 0);
  if (written < 0) return base::fail_system("pid file " + path, errno);
  if (written != static_cast<ssize_t>(content.size()))
    return base::fail(base::Errc::io, "pid file " + path + ": full disk");
  return PidFile{std::move(fd), std::move(*lock)};
}

PidFile::~PidFile() {
  if (!fd_) return;
  // A pid that stays behind is what the original leaves too: nothing to report so late.
  [[maybe_unused]] const int result = ::ftruncate(fd_.value(), 0);
}

}  // namespace master

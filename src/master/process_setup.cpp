#include "master/process_setup.hpp"

#include "service/environment.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

namespace master {
namespace {

base::Result<base::UniqueFd> reserve(int null_fd, int number) {
  base::UniqueFd fd(::fcntl(null_fd, F_DUPFD_CLOEXEC, number));
  if (!fd) return base::fail_system("reserve descriptor", errno);
  if (fd.value() != number) {
    return base::fail(base::Errc::io, "reserve descriptor " + std::to_string(number) + ": in use");
  }
  return fd;
}

}  // namespace

base::Result<ReservedFds> take_over_descriptors() {
  // Numbers that no object of ours owns, so UniqueFd has no part in it. A kernel older than 5.9 does not know the call;
  // then only what the starter left open stays open, and 3 or 4 in use is found below.
  static_cast<void>(::close_range(STDERR_FILENO + 1, ~0U, 0));

  base::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  // Whoever lets us start without 0, 1 or 2 would have a log file or a mailbox take their place later.
  while (null && null.value() <= STDERR_FILENO) {
    if (::fcntl(null.value(), F_SETFD, 0) != 0) return base::fail_system("/dev/null", errno);
    static_cast<void>(null.release());
    null.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
  }
  if (!null) return base::fail_system("/dev/null", errno);

  // /dev/null itself now sits on 3 and makes room.
  base::UniqueFd high(::fcntl(null.value(), F_DUPFD_CLOEXEC, service::kListenFd + 1));
  if (!high) return base::fail_system("/dev/null", errno);
  null.reset();
  auto status = reserve(high.value(), service::kStatusFd);
  if (!status) return tl::unexpected<base::Error>(std::move(status.error()));
  auto listen = reserve(high.value(), service::kListenFd);
  if (!listen) return tl::unexpected<base::Error>(std::move(listen.error()));
  return ReservedFds{std::move(high), std::move(*status), std::move(*listen)};
}

base::Result<void> redirect_standard_descriptors(int null_fd, const std::optional<std::string>& output_file) {
  base::UniqueFd output;
  if (output_file) {
    output.reset(::open(output_file->c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!output) return base::fail_system("output file " + *output_file, errno);
  }
  const int out = output ? output.value() : null_fd;
  if (::dup2(null_fd, STDIN_FILENO) < 0 || ::dup2(out, STDOUT_FILENO) < 0 || ::dup2(out, STDERR_FILENO) < 0) {
    return base::fail_system("standard descriptors", errno);
  }
  return {};
}

base::Result<Launch> Launch::into_background() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return base::fail_system("background pipe", errno);
  base::UniqueFd read_end(ends[0]);
  base::UniqueFd write_end(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return base::fail_system("fork into the background", errno);
  if (pid > 0) {
    write_end.reset();
    int exit_status = EX_OSERR;
    ssize_t got = 0;
    do {
      got = ::read(read_end.value(), &exit_status, sizeof exit_status);
    } while (got < 0 && errno == EINTR);
    ::_exit(got == static_cast<ssize_t>(sizeof exit_status) ? exit_status : EX_OSERR);
  }
  // A fresh child leads no process group, which is the only reason to be refused.
  static_cast<void>(::setsid());
  return Launch{std::move(write_end)};
}

void Launch::report(int exit_status) {
  if (!pipe_) return;
  // The waiting process may have been killed: it is not missed.
  [[maybe_unused]] const ssize_t written = ::write(pipe_.value(), &exit_status, sizeof exit_status);
  pipe_.reset();
}

base::Result<ReadyFile> ReadyFile::create(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644));
  if (!fd) return base::fail_system("ready file " + path, errno);
  return ReadyFile{path};
}

ReadyFile::~ReadyFile() {
  // Left behind only when somebody has taken away the right to remove it.
  if (!path_.empty()) static_cast<void>(::unlink(path_.c_str()));
}

}  // namespace master

#include "master/spawn.hpp"

#include "base/unique_fd.hpp"
#include "service/environment.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <system_error>
#include <unistd.h>

namespace master {
namespace {

[[noreturn]] void give_up(const base::Log& log, const std::string& what, int error) {
  log.critical(what + ": " + std::generic_category().message(error));
  ::_exit(EX_OSERR);
}

void default_signals(const sigset_t& mask) {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  ::sigemptyset(&action.sa_mask);
  for (int signal = 1; signal < NSIG; ++signal) {
    // Refused for SIGKILL, SIGSTOP and those that the C library keeps for itself: they are as they should be.
    static_cast<void>(::sigaction(signal, &action, nullptr));
  }
  // Fails only for a bad first argument.
  static_cast<void>(::sigprocmask(SIG_SETMASK, &mask, nullptr));
}

void limit_descriptors(const Command& command, int max_fds, const base::Log& log) {
  if (max_fds <= 0) return;
  struct rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) give_up(log, command.path + ": getrlimit", errno);
  const auto wanted = static_cast<rlim_t>(max_fds);
  if (wanted > limit.rlim_max) {
    log.warning(command.path + ": maxfds " + std::to_string(max_fds) + " is above the hard limit, using " +
                std::to_string(limit.rlim_max));
  }
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) give_up(log, command.path + ": maxfds", errno);
}

// First out of the way of 3 and 4: either source may sit on the other's target.
void place_descriptors(const Command& command, const ChildSetup& setup, const base::Log& log) {
  const auto park = [&](int fd) {
    if (fd < 0) return fd;
    const int parked = ::fcntl(fd, F_DUPFD_CLOEXEC, service::kListenFd + 1);
    if (parked < 0) give_up(log, command.path + ": dup", errno);
    return parked;
  };
  const auto place = [&](int parked, int target) {
    // dup2 clears close-on-exec on the target, which is what lets it through exec.
    if (parked >= 0 && ::dup2(parked, target) < 0) give_up(log, command.path + ": dup2", errno);
  };
  const int status = park(setup.status_fd);
  const int listener = park(setup.listen_fd);
  place(status, service::kStatusFd);
  place(listener, service::kListenFd);
}

[[noreturn]] void run_child(const Command& command, const ChildSetup& setup, pid_t parent, const base::Log& log) {
  // EPERM is possible for a session leader only, which a fresh child is not.
  static_cast<void>(::setpgid(0, 0));
  // Set after master has changed its user, because a change of user clears it; exec keeps it. When master was gone
  // before the call, the signal will never come.
  if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) give_up(log, command.path + ": PR_SET_PDEATHSIG", errno);
  if (::getppid() != parent) ::_exit(EX_TEMPFAIL);

  place_descriptors(command, setup, log);
  limit_descriptors(command, setup.max_fds, log);
  for (const auto& [name, value] : setup.environment) {
    if (::setenv(name.c_str(), value.c_str(), 1) != 0) give_up(log, command.path + ": setenv", errno);
  }

  std::vector<char*> arguments;
  for (const std::string& argument : command.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  default_signals(setup.signal_mask);
  ::execv(command.path.c_str(), arguments.data());
  give_up(log, "couldn't exec " + command.path, errno);
}

}  // namespace

std::vector<std::filesystem::path> program_folders() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error || !self.has_parent_path()) return {};
  const auto own = self.parent_path();
  return {own, own.parent_path() / "sbin", own.parent_path().parent_path() / "sbin"};
}

base::Result<Command> find_command(const std::vector<std::string>& words,
                                   const std::vector<std::filesystem::path>& folders) {
  if (words.empty()) return base::fail(base::Errc::invalid, "no command");
  const std::filesystem::path program = words.front();
  const auto runnable = [](const std::filesystem::path& path) {
    std::error_code error;
    return std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
  };
  if (program.is_absolute()) {
    if (runnable(program)) return Command{program.string(), words};
  } else {
    for (const auto& folder : folders) {
      if (auto candidate = folder / program; runnable(candidate)) return Command{candidate.string(), words};
    }
  }
  return base::fail(base::Errc::not_found, "no executable " + words.front());
}

base::Result<pid_t> spawn(const Command& command, const ChildSetup& setup, const base::Log& log) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return base::fail_system("fork for " + command.path, errno);
  if (pid == 0) run_child(command, setup, parent, log);
  // The child does the same: whoever comes first, signal_group works at once. EACCES after its exec is then harmless.
  static_cast<void>(::setpgid(pid, pid));
  return pid;
}

void signal_group(pid_t child, int signal) {
  // A child that has made itself the member of another group is still reached alone. ESRCH: it has ended already.
  if (::kill(-child, signal) != 0) static_cast<void>(::kill(child, signal));
}

}  // namespace master

#include "server/debug_command.hpp"

#include "service/environment.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace server {
namespace {

constexpr std::size_t kMostOctets = 1023;

tl::unexpected<base::Error> wrong(std::string_view option, std::string_view why) {
  return base::fail(base::Errc::invalid, "debug_command: " + std::string(option) + ": " + std::string(why));
}

/// posix_spawn's two sets of wishes, which must be given back.
struct SpawnWishes {
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};

  SpawnWishes() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
  }
  SpawnWishes(const SpawnWishes&) = delete;
  SpawnWishes& operator=(const SpawnWishes&) = delete;
  ~SpawnWishes() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
};

}  // namespace

base::Result<std::string> expand_debug_command(std::string_view option, std::string_view program, pid_t pid,
                                               std::string_view service) {
  const std::string number = std::to_string(pid);
  const std::array<std::string_view, 3> arguments{program, number, service};
  constexpr std::size_t kNumber = 1;
  std::string out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < option.size(); ++i) {
    if (option[i] != '%') {
      out += option[i];
      continue;
    }
    std::string_view rest = option.substr(i + 1);
    if (rest.starts_with('%')) {
      out += '%';
      i += 1;
      continue;
    }
    std::size_t which = next;
    if (rest.size() > 2 && rest[0] >= '1' && rest[0] <= '3' && rest[1] == '$') {
      which = static_cast<std::size_t>(rest[0] - '1');
      rest.remove_prefix(2);
      i += 2;
    } else {
      ++next;
    }
    if (which >= arguments.size()) return wrong(option, "has more than three conversions");
    const bool fits = rest.starts_with('s') || (rest.starts_with('d') && which == kNumber);
    if (!fits) return wrong(option, "takes %s, %d and %s only, for program, process id and service");
    out += arguments[which];
    i += 1;
  }
  if (out.size() > kMostOctets) return wrong(option, "is longer than 1023 octets");
  return out;
}

void run_debug_command(const std::string& command, bool stdio, const base::Log& log) {
  // A process that has changed its user is closed to debuggers, and some systems let parents trace only.
  if (::prctl(PR_SET_DUMPABLE, 1) != 0) log.warning("-D: prctl: " + std::string(std::strerror(errno)));
  static_cast<void>(::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY));  // fails where the system has no such rule

  SpawnWishes wishes;
  ::posix_spawn_file_actions_addopen(&wishes.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (stdio) {
    ::posix_spawn_file_actions_addopen(&wishes.files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_adddup2(&wishes.files, STDOUT_FILENO, STDERR_FILENO);
  }
  // A debugger in the background would hold the port after our end.
  ::posix_spawn_file_actions_addclose(&wishes.files, service::kStatusFd);
  ::posix_spawn_file_actions_addclose(&wishes.files, service::kListenFd);
  sigset_t signals;
  sigemptyset(&signals);
  ::posix_spawnattr_setsigmask(&wishes.attributes, &signals);
  sigaddset(&signals, SIGPIPE);
  sigaddset(&signals, SIGXFSZ);
  ::posix_spawnattr_setsigdefault(&wishes.attributes, &signals);
  ::posix_spawnattr_setflags(&wishes.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  log.info("-D: " + command);
  std::string shell = "sh";
  std::string option = "-c";
  std::string text = command;
  const std::array<char*, 4> arguments{shell.data(), option.data(), text.data(), nullptr};
  pid_t child = 0;
  const int failure = ::posix_spawn(&child, "/bin/sh", &wishes.files, &wishes.attributes, arguments.data(), environ);
  if (failure != 0) {
    log.error("-D: /bin/sh: " + std::string(std::strerror(failure)));
    return;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) {
      log.error("-D: waitpid: " + std::string(std::strerror(errno)));
      return;
    }
  }
  if (WIFSIGNALED(status)) {
    log.warning("-D: debug_command was ended by signal " + std::to_string(WTERMSIG(status)));
  } else if (WEXITSTATUS(status) != 0) {
    log.warning("-D: debug_command ended with status " + std::to_string(WEXITSTATUS(status)));
  }
}

}  // namespace server

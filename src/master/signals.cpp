#include "master/signals.hpp"

#include <cerrno>
#include <sys/signalfd.h>
#include <unistd.h>

namespace master {

base::Result<SignalSource> SignalSource::open() {
  sigset_t waited;
  ::sigemptyset(&waited);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGCHLD}) ::sigaddset(&waited, signal);
  sigset_t original;
  if (::sigprocmask(SIG_BLOCK, &waited, &original) != 0) return base::fail_system("sigprocmask", errno);

  struct sigaction action = {};
  ::sigemptyset(&action.sa_mask);
  action.sa_handler = SIG_IGN;
  for (const int signal : {SIGPIPE, SIGALRM}) {
    if (::sigaction(signal, &action, nullptr) != 0) return base::fail_system("sigaction", errno);
  }
  // A parent may have left SIGCHLD ignored: then no child could be waited for.
  action.sa_handler = SIG_DFL;
  if (::sigaction(SIGCHLD, &action, nullptr) != 0) return base::fail_system("sigaction", errno);

  base::UniqueFd fd(::signalfd(-1, &waited, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd) return base::fail_system("signalfd", errno);
  return SignalSource{std::move(fd), original};
}

std::vector<int> SignalSource::take() {
  std::vector<int> signals;
  signalfd_siginfo info = {};
  while (::read(fd_.value(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    signals.push_back(static_cast<int>(info.ssi_signo));
  }
  return signals;
}

}  // namespace master

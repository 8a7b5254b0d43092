// A handler may only touch what cannot be in the middle of a change when the signal comes: everything it needs is laid
// out by announce_fatal_signals() before the first handler is installed, and only read afterwards. That is why this
// file, alone in the project, keeps state in globals.

#include "service/status.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

namespace service {
namespace {

constexpr std::array<int, 5> kFatal{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

// Room for the frame that the kernel pushes (3 KiB with AVX-512) and two system calls, many times over.
constexpr std::size_t kStackBytes = 64 * 1024;

alignas(16) std::array<std::byte, kStackBytes> handler_stack;
std::array<std::byte, kStatusBytes> last_words;
int announce_fd = -1;

extern "C" void announce_and_die(int signal) {
  // Asked first: a pipe that nobody reads would turn this death into one of SIGPIPE, and a full one would put it off
  // until master reads again.
  struct pollfd pipe = {};
  pipe.fd = announce_fd;
  pipe.events = POLLOUT;
  if (::poll(&pipe, 1, 0) == 1 && pipe.revents == POLLOUT) {
    // Nothing can be done about a failure any more.
    [[maybe_unused]] const ssize_t written = ::write(announce_fd, last_words.data(), last_words.size());
  }
  // SA_RESETHAND has put the default action back. The signal is blocked while we are here, so it is delivered on
  // return: the wait status and the core dump speak of the real cause and, for a fault, of the real place.
  ::raise(signal);
}

// Keeps a stack that is there already: a sanitizer, for instance, unmaps the one that it finds in place of its own.
void use_handler_stack() {
  stack_t present = {};
  if (::sigaltstack(nullptr, &present) == 0 && (present.ss_flags & SS_DISABLE) == 0) return;
  stack_t stack = {};
  stack.ss_sp = handler_stack.data();
  stack.ss_size = handler_stack.size();
  // Refused only for a size that is too small; then the handler runs on the ordinary stack, as far as that goes.
  static_cast<void>(::sigaltstack(&stack, nullptr));
}

}  // namespace

void announce_fatal_signals(int status_fd) {
  struct sigaction action = {};
  ::sigemptyset(&action.sa_mask);
  if (status_fd < 0) {
    action.sa_handler = SIG_DFL;
  } else {
    announce_fd = status_fd;
    last_words = encode(Status{static_cast<std::int32_t>(Message::unavailable), ::getpid()});
    use_handler_stack();
    action.sa_handler = announce_and_die;
    action.sa_flags = SA_ONSTACK | static_cast<int>(SA_RESETHAND);
  }
  for (const int signal : kFatal) {
    // EINVAL only for a number that is no signal.
    static_cast<void>(::sigaction(signal, &action, nullptr));
  }
}

}  // namespace service

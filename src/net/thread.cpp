#include "net/thread.hpp"

#include <pthread.h>
#include <signal.h>
#include <utility>

namespace net {
namespace {

// Everything but what a faulty instruction of the thread itself raises: a fatal-signal handler must still run there.
sigset_t asynchronous_signals() {
  sigset_t set;
  sigfillset(&set);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) sigdelset(&set, signal);
  return set;
}

// Restores the creator's mask also when the thread cannot be started.
class BlockedSignals {
 public:
  BlockedSignals() {
    const sigset_t set = asynchronous_signals();
    pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

std::thread start_thread(const std::string& name, std::function<void()> body) {
  const BlockedSignals blocked;  // a new thread inherits the mask: no signal can slip in before it sets its own
  return std::thread([short_name = name.substr(0, 15), run = std::move(body)] {
    pthread_setname_np(pthread_self(), short_name.c_str());  // only for people; a failure changes nothing
    run();
  });
}

}  // namespace net

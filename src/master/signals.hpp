#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <signal.h>
#include <vector>

namespace master {

/// The signals that master waits for, as a descriptor: no handler ever runs, so nothing is interrupted.
/// SIGHUP, SIGTERM, SIGINT, SIGQUIT and SIGCHLD stay blocked as long as the process lives; SIGPIPE and SIGALRM are
/// ignored.
class SignalSource {
 public:
  static base::Result<SignalSource> open();

  /// Readable when a signal waits.
  int fd() const { return fd_.value(); }
  /// The numbers of those that wait, oldest first; several of a kind may come as one. Never waits.
  std::vector<int> take();
  /// The mask from before open(), which children get.
  const sigset_t& original_mask() const { return original_; }

 private:
  SignalSource(base::UniqueFd fd, const sigset_t& original) : fd_(std::move(fd)), original_(original) {}

  base::UniqueFd fd_;
  sigset_t original_;
};

/// SIGTERM, SIGINT and SIGQUIT all ask for a clean shutdown.
constexpr bool asks_for_shutdown(int signal) { return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT; }

}  // namespace master

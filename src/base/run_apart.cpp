// The result comes back in a page of shared memory: a pipe would also be open in children that other threads fork at
// the same moment, and so would not end when its child does.

#include "base/run_apart.hpp"

#include "base/signals_blocked.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <new>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace base {
namespace {

/// What the child leaves behind.
struct Message {
  std::atomic<bool> is_complete = false;  // set last
  bool has_value = false;
  Errc code = Errc::io;
  int errnum = 0;
  std::size_t length = 0;
  std::array<char, kMaxApartText> text = {};
};

class SharedMessage {
 public:
  SharedMessage()
      : memory_(::mmap(nullptr, sizeof(Message), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (*this) ::new (memory_) Message;
  }
  SharedMessage(const SharedMessage&) = delete;
  SharedMessage& operator=(const SharedMessage&) = delete;
  ~SharedMessage() {
    if (*this) ::munmap(memory_, sizeof(Message));
  }

  explicit operator bool() const { return memory_ != MAP_FAILED; }
  Message& operator*() const { return *static_cast<Message*>(memory_); }

 private:
  void* memory_;
};

;

[[noreturn]] void run_child(const std::function<Result<std::string>()>& work, Message& message) noexcept {
  // abort() lets its signal through; a handler of this program would speak for a process that lives.
  ::signal(SIGABRT, SIG_DFL);
  try {
    const auto result = work();
    const std::string& text = result ? *result : result.error().text;
    message.has_value = result.has_value();
    if (!result) {
      message.code = result.error().code;
      message.errnum = result.error().errnum;
    }
    message.length = std::min(text.size(), message.text.size());
    std::copy_n(text.begin(), message.length, message.text.begin());
    message.is_complete.store(true, std::memory_order_release);
  } catch (...) {
    // Not complete, which is all that can be said.
    ::_exit(1);
  }
  ::_exit(0);
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return "was killed by signal " + std::to_string(WTERMSIG(status));
  return "ended early";
}

}  // namespace

Apart run_apart(std::string_view what, const std::function<Result<std::string>()>& work) {
  const SharedMessage shared;
  if (!shared) return Apart{false, work()};
  pid_t child = -1;
  {
    const SignalsBlocked blocked;
    child = ::fork();
    if (child == 0) run_child(work, *shared);
  }
  if (child < 0) return Apart{false, work()};

  int status = 0;
  // ECHILD, when SIGCHLD was inherited as ignored, also means that it has ended.
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  Message& message = *shared;
  if (!message.is_complete.load(std::memory_order_acquire)) {
    return Apart{true, fail(Errc::io, std::string(what) + ": the process that wrote it " + how_it_ended(status))};
  }
  std::string text(message.text.data(), message.length);
  if (message.has_value) return Apart{false, std::move(text)};
  return Apart{false, tl::unexpected(Error{message.code, std::move(text), message.errnum})};
}

}  // namespace base

#include "tools/pillarbox/password_prompt.hpp"

#include "base/log.hpp"
#include "tools/pillarbox/exit_status.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <poll.h>
#include <string.h>
#include <string>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

namespace tools {
namespace {

constexpr std::size_t kMaxPassword = 1024;
constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

volatile std::sig_atomic_t caught_signal = 0;

extern "C" void remember_signal(int signal) { caught_signal = signal; }

/// No echo while this lives. Signals that end the program wait until the echo is back; only wait() notices them, so
/// that none is lost between a look and a read.
class SilentTerminal {
 public:
  explicit SilentTerminal(int fd) : fd_(fd) {
    caught_signal = 0;
    sigset_t ending;
    ::sigemptyset(&ending);
    for (const int signal : kSignals) ::sigaddset(&ending, signal);
    ::sigprocmask(SIG_BLOCK, &ending, &mask_);
    struct sigaction action = {};
    action.sa_handler = &remember_signal;
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &before_[i]);
    changed_ = ::tcgetattr(fd_, &settings_) == 0;
    if (!changed_) return;
    struct termios silent = settings_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= ECHONL;
    changed_ = ::tcsetattr(fd_, TCSAFLUSH, &silent) == 0;
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  ~SilentTerminal() {
    if (changed_) ::tcsetattr(fd_, TCSAFLUSH, &settings_);
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
    if (caught_signal != 0) ::raise(caught_signal);  // blocked until the next line
    ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
  }

  /// Until there is something to read. False: a signal came first.
  bool wait() const {
    for (;;) {
      struct pollfd readable = {fd_, POLLIN, 0};
      const int count = ::ppoll(&readable, 1, nullptr, &mask_);
      if (caught_signal != 0) return false;
      if (count >= 0 || errno != EINTR) return true;
    }
  }

  bool works() const { return changed_; }

 private:
  int fd_;
  bool changed_ = false;
  sigset_t mask_ = {};
  struct termios settings_ = {};
  std::array<struct sigaction, kSignals.size()> before_ = {};
};

/// One line, byte by byte: what follows it stays for whoever reads next, and nothing is left in a buffer of stdio.
base::Result<base::Secret> read_line(int fd, const SilentTerminal* terminal) {
  std::array<char, kMaxPassword + 2> bytes{};
  struct Wipe {
    std::array<char, kMaxPassword + 2>& bytes;
    ~Wipe() { ::explicit_bzero(bytes.data(), bytes.size()); }
  } const wipe{bytes};

  std::size_t size = 0;
  for (;;) {
    char c = 0;
    if (terminal != nullptr && !terminal->wait()) return base::fail(base::Errc::closed, "password: interrupted");
    const ssize_t got = ::read(fd, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::fail_system("password", errno);
    if (got == 0 && size == 0) return fail_with(EX_NOINPUT, "password: standard input has no line");
    if (got == 0 || c == '\n') break;
    if (size == kMaxPassword + 1) return fail_with(EX_DATAERR, "password: too long");
    bytes[size++] = c;
  }
  if (size > 0 && bytes[size - 1] == '\r') --size;
  const std::string_view text(bytes.data(), size);
  if (text.empty()) return fail_with(EX_DATAERR, "password: empty");
  if (text.size() > kMaxPassword) return fail_with(EX_DATAERR, "password: too long");
  if (text.find('\0') != std::string_view::npos) return fail_with(EX_DATAERR, "password: has a NUL");
  return base::Secret(text);
}

base::Result<base::Secret> ask(const std::string& prompt) {
  const SilentTerminal silent(STDIN_FILENO);
  if (!silent.works()) return base::fail_system("terminal", errno);
  static_cast<void>(std::fputs(prompt.c_str(), stderr));
  static_cast<void>(std::fflush(stderr));
  return read_line(STDIN_FILENO, &silent);
}

}  // namespace

base::Result<base::Secret> ask_new_password(std::string_view user) {
  if (::isatty(STDIN_FILENO) == 0) return read_line(STDIN_FILENO, nullptr);
  auto first = ask("Password for " + base::printable(user) + ": ");
  if (!first) return first;
  const auto second = ask("Once more: ");
  if (!second) return tl::unexpected(second.error());
  if (first->view() != second->view()) return fail_with(EX_DATAERR, "password: the two differ");
  return first;
}

}  // namespace tools

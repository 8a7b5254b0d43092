// A service for the tests of master: test_service MODE PIDFILE. Speaks the protocol of doc/format/service-protocol.md.
//
//   serve        greets each client with its pid and uid, and waits until the client hangs up
//   multi        greets each client and goes on at once, READY all the time
//   crash        dies of SIGSEGV before it accepts
//   hang         never accepts
//   ignore-term  never accepts and does not listen to SIGTERM
//   daemon       a DAEMON entry: no descriptors 3 and 4
//   @FILE        whatever FILE says
//
// The pid is appended to PIDFILE, one line for each process that was started.

#include "base/unique_fd.hpp"
#include "service/environment.hpp"
#include "service/status.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <signal.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using service::Message;

extern "C" void leave(int signal) { ::_exit(signal == SIGHUP ? 0 : 75); }

void note_pid(const char* path) {
  const std::string line = std::to_string(::getpid()) + "\n";
  const base::UniqueFd fd(::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (::write(fd.value(), line.data(), line.size()) < 0) std::exit(70);
}

[[noreturn]] void wait_for_ever() {
  for (;;) ::pause();
}

// SIGTERM and SIGHUP are heard here and nowhere else: a connection that has been accepted always gets its greeting, as
// with real services.
bool wait_readable(int fd) {
  struct pollfd readable = {fd, POLLIN, 0};
  sigset_t nothing;
  ::sigemptyset(&nothing);
  return ::ppoll(&readable, 1, nullptr, &nothing) == 1;
}

[[noreturn]] void serve(bool one_at_a_time) {
  const service::StatusPipe master(service::kStatusFd);
  const auto tell = [&](Message message) {
    if (!master.send(message)) std::exit(71);
  };
  sigset_t heard_while_waiting;
  ::sigemptyset(&heard_while_waiting);
  for (const int signal : {SIGTERM, SIGHUP}) ::sigaddset(&heard_while_waiting, signal);
  ::sigprocmask(SIG_BLOCK, &heard_while_waiting, nullptr);
  // A sibling may be faster: then this one goes back to waiting.
  if (::fcntl(service::kListenFd, F_SETFL, O_NONBLOCK) != 0) std::exit(71);
  for (;;) {
    wait_readable(service::kListenFd);
    const base::UniqueFd client(::accept4(service::kListenFd, nullptr, nullptr, SOCK_CLOEXEC));
    if (!client && errno == EINVAL) std::exit(0);  // shut down: the service is no longer in cyrus.conf
    if (!client) continue;
    if (one_at_a_time) tell(Message::unavailable);
    tell(one_at_a_time ? Message::connection : Message::connection_multi);
    const std::string greeting = std::to_string(::getpid()) + " " + std::to_string(::getuid()) + "\n";
    std::array<char, 64> rest{};
    if (::write(client.value(), greeting.data(), greeting.size()) > 0 && one_at_a_time) {
      while (wait_readable(client.value()) && ::read(client.value(), rest.data(), rest.size()) > 0) {
      }
    }
    if (one_at_a_time) tell(Message::available);
  }
}

std::string mode_of(const std::string& argument) {
  if (!argument.starts_with('@')) return argument;
  std::ifstream file(argument.substr(1));
  std::string mode;
  file >> mode;
  return mode;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  const std::string mode = mode_of(argv[1]);
  ::signal(SIGTERM, mode == "ignore-term" ? SIG_IGN : leave);
  ::signal(SIGHUP, leave);
  ::signal(SIGPIPE, SIG_IGN);
  note_pid(argv[2]);
  if (mode == "serve") serve(true);
  if (mode == "multi") serve(false);
  if (mode == "hang" || mode == "ignore-term") wait_for_ever();
  if (mode == "daemon") {
    if (std::getenv("CYRUS_ISDAEMON") == nullptr || ::fcntl(service::kListenFd, F_GETFD) >= 0) return 78;
    wait_for_ever();
  }
  if (mode == "crash") {
    const struct rlimit no_core = {0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::signal(SIGSEGV, SIG_DFL);
    ::raise(SIGSEGV);
  }
  return 64;
}

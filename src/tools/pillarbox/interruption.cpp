#include "tools/pillarbox/interruption.hpp"

#include <array>
#include <csignal>

namespace tools {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

volatile std::sig_atomic_t was_requested = 0;

extern "C" void request_interruption(int) { was_requested = 1; }

}  // namespace

Interruption::Interruption() {
  was_requested = 0;
  struct sigaction action = {};
  action.sa_handler = &request_interruption;
  action.sa_flags = static_cast<int>(SA_RESTART | static_cast<unsigned>(SA_RESETHAND));
  for (const int signal : kSignals) ::sigaction(signal, &action, nullptr);
}

Interruption::~Interruption() {
  for (const int signal : kSignals) static_cast<void>(std::signal(signal, SIG_DFL));
}

bool Interruption::requested() { return was_requested != 0; }

}  // namespace tools

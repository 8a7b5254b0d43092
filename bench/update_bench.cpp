// update_bench [ROUNDS]: what it costs that a change of a mailbox is written by a child process (base/run_apart.hpp).
//
// QUIT with one deletion in a mailbox of ROUNDS messages or more, in turns with and without a child, in a process that
// holds 0, 32 and 256 MiB (idle sessions: 1000 of them are less than 32), on the disk of $TMPDIR. Prints the medians
// and the median of the paired ratios.

#include "cyrus/store.hpp"
#include "support/store_checker.hpp"
#include "support/store_maker.hpp"
#include "support/temp_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace {

bool may_fork = true;

double quit_microseconds(cyrus::Store& store, bool apart) {
  auto drop = store.open_maildrop({.user = "ann", .subfolder = ""});
  if (!drop) throw std::runtime_error(drop.error().text);
  (*drop)->mark_deleted(maildrop::MessageNumber{1});
  may_fork = apart;
  const auto begin = std::chrono::steady_clock::now();
  const auto report = (*drop)->update("bench");
  const auto end = std::chrono::steady_clock::now();
  may_fork = true;
  if (!report || report->removed != 1) throw std::runtime_error("nothing was deleted");
  return std::chrono::duration<double, std::micro>(end - begin).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void run(cyrus::Store& store, std::size_t mebibytes, int rounds) {
  const std::size_t octets = mebibytes << 20;
  void* held = nullptr;
  if (octets != 0) {
    held = ::mmap(nullptr, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (held == MAP_FAILED) throw std::runtime_error("mmap");
    ::madvise(held, octets, MADV_NOHUGEPAGE);  // small blocks are what sessions leave
    for (std::size_t at = 0; at < octets; at += 4096) static_cast<char*>(held)[at] = 1;
  }
  std::vector<double> with, without, ratios;
  for (int i = 0; i < rounds; ++i) {
    const bool first = i % 2 == 0;  // each of the two goes first in half of the pairs
    const double a = quit_microseconds(store, first);
    const double b = quit_microseconds(store, !first);
    with.push_back(first ? a : b);
    without.push_back(first ? b : a);
    ratios.push_back(with.back() / without.back());
  }
  if (held != nullptr) ::munmap(held, octets);
  std::printf("%4zu MiB: in place %7.0f us, by a child %7.0f us, paired ratio %.2f (%d pairs)\n", mebibytes,
              median(without), median(with), median(ratios), rounds);
}

}  // namespace

// Where no process can be made, the work runs in place: the other half of each pair.
extern "C" pid_t fork() noexcept {
  static const auto real = reinterpret_cast<pid_t (*)()>(::dlsym(RTLD_NEXT, "fork"));
  if (may_fork) return real();
  errno = EAGAIN;
  return -1;
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 200;
  try {
    const support::TempDirectory directory;
    support::StoreMaker maker(directory.path() / "store", {}, 1);
    maker.add_plain("ann", static_cast<std::size_t>(rounds) * 6 + 100);
    maker.finish();
    const auto config = maker.config();
    for (const auto& mailbox : maker.mailboxes()) {
      support::make_consistent(support::mailbox_files(config, mailbox.intname));
    }
    const base::Log log([](base::Severity, std::string_view) {});
    cyrus::Store store(config, log);
    for (const std::size_t mebibytes : {0, 32, 256}) run(store, mebibytes, rounds);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "update_bench: %s\n", error.what());
    return 1;
  }
}

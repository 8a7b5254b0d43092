// delivery_fault_driver [--full] [--site TEXT] [--verbose]
//
// As fault_driver, of a delivery: lets each of its system calls go wrong, one after the other and in each way, and
// looks each time whether everything promised still holds (delivery_point.hpp). Exits with 1 when anything did not, or
// when a kind of call that a delivery must make was never met.

#include "faults/delivery_point.hpp"
#include "faults/stride.hpp"

#include <array>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/mman.h>

namespace {

using faults::Action;
using faults::Control;
using faults::Fault;
using faults::Kind;

// No delivery makes so many calls of a kind: it would not end.
constexpr std::uint64_t kTooMany = 20'000;

struct Options {
  bool full = false;
  bool verbose = false;
  std::string site;
};

struct Row {
  std::uint64_t points = 0;
  std::uint64_t completed = 0;
  std::uint64_t untouched = 0;
  std::uint64_t repeatable = 0;
  std::uint64_t problems = 0;
  std::uint64_t apart = 0;
};

Control& shared_control() {
  void* memory = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("mmap");
  return *static_cast<Control*>(memory);  // lives as long as the process
}

void run_fault(const faults::Site& site, const Fault& fault, Control& control, Row& row, bool verbose) {
  for (std::uint64_t n = 1; n <= kTooMany; n += faults::kStride) {
    const faults::Outcome outcome = run_delivery_point(site, fault, n, control);
    const auto tell = [&](const char* what) {
      std::printf("%s: %s %llu %s (%s): %s\n", site.name().c_str(),
                  std::string(faults::kKindNames[static_cast<std::size_t>(fault.kind)]).c_str(),
                  static_cast<unsigned long long>(n), fault.name.c_str(), outcome.where.c_str(), what);
      std::fflush(stdout);
    };
    if (!outcome.problem.empty()) {
      ++row.problems;
      tell(outcome.problem.c_str());
    } else if (verbose && outcome.fired) {
      tell(outcome.completed ? "completed" : outcome.untouched ? "untouched" : "repeatable");
    }
    if (!outcome.fired) return;
    ++row.points;
    row.apart += outcome.fired_apart ? 1 : 0;
    ++(outcome.completed ? row.completed : outcome.untouched ? row.untouched : row.repeatable);
  }
  throw std::runtime_error("a delivery that does not end");
}

/// A write or sync of the index or the message that only claims to be done must be found out.
std::uint64_t believed_lies(const faults::Site& site, Control& control) {
  std::uint64_t believed = 0;
  for (const Kind kind : {Kind::write, Kind::sync}) {
    const Fault lie{kind, Action::lie, 0, "a lie"};
    bool is_found_out = false;
    for (std::uint64_t n = 1; n <= kTooMany; ++n) {
      const faults::Outcome outcome = run_delivery_point(site, lie, n, control);
      if (!outcome.fired) break;
      is_found_out = is_found_out || (outcome.where.ends_with("/cyrus.index") && !outcome.problem.empty());
    }
    if (is_found_out) continue;
    ++believed;
    std::printf("a %s of cyrus.index that was not done is not noticed\n",
                std::string(faults::kKindNames[static_cast<std::size_t>(kind)]).c_str());
  }
  return believed;
}

int run(const Options& options) {
  Control& control = shared_control();
  ::fault_shim_use(&control);
  const auto sites = faults::all_sites(options.full);
  std::array<std::uint64_t, faults::kKinds> met{};
  Row all;
  std::uint64_t survived = 0;
  all.problems = believed_lies(sites.front(), control);
  std::printf("%-36s%8s%11s%11s%12s%10s\n", "call, fault", "points", "completed", "untouched", "repeatable",
              "problems");
  for (const Fault& fault : faults::all_faults()) {
    Row row;
    for (const faults::Site& site : sites) {
      if (site.name().find(options.site) == std::string::npos) continue;
      // Thousands of messages make a point slow, and only writing differs from a small mailbox.
      if (site.is_large() && fault.kind != Kind::write && fault.kind != Kind::sync) continue;
      run_fault(site, fault, control, row, options.verbose);
    }
    met[static_cast<std::size_t>(fault.kind)] += row.points;
    all.points += row.points;
    all.problems += row.problems;
    all.apart += row.apart;
    if (fault.action == Action::kill_parent) survived += row.apart;
    if (row.points == 0 && row.problems == 0) continue;
    std::string text(faults::kKindNames[static_cast<std::size_t>(fault.kind)]);
    text.resize(10, ' ');
    const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
    std::printf("%-36s%8llu%11llu%11llu%12llu%10llu\n", (text + fault.name).c_str(), number(row.points),
                number(row.completed), number(row.untouched), number(row.repeatable), number(row.problems));
  }
  std::printf("\n%llu points on %zu sites, %llu problems; %llu in the child that writes, which went on alone in %llu\n",
              static_cast<unsigned long long>(all.points), sites.size(), static_cast<unsigned long long>(all.problems),
              static_cast<unsigned long long>(all.apart), static_cast<unsigned long long>(survived));
  if (survived == 0) {
    ++all.problems;
    std::printf("no parent was ever killed while its child worked\n");
  }
  for (const Kind kind : {Kind::open, Kind::read, Kind::write, Kind::sync, Kind::rename, Kind::lock, Kind::stat,
                          Kind::close, Kind::mkdir, Kind::unlink, Kind::link}) {
    if (met[static_cast<std::size_t>(kind)] > 0) continue;
    ++all.problems;
    std::printf("no %s was ever met\n", std::string(faults::kKindNames[static_cast<std::size_t>(kind)]).c_str());
  }
  return all.problems == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--full") {
      options.full = true;
    } else if (argument == "--verbose") {
      options.verbose = true;
    } else if (argument == "--site" && i + 1 < argc) {
      options.site = argv[++i];
    } else {
      std::fputs("usage: delivery_fault_driver [--full] [--site TEXT] [--verbose]\n", stderr);
      return 64;
    }
  }
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "delivery_fault_driver: %s\n", error.what());
    return 1;
  }
}

// fault_driver [--full] [--only OPERATION] [--site TEXT] [--verbose]
//
// Lets each system call of an operation go wrong, one after the other and in each way, until the operation ends without
// meeting the fault; looks each time whether everything promised still holds (fault_point.hpp); and prints how far it
// came. Exits with 1 when anything did not hold, or when a kind of call that an operation must make was never met.

#include "faults/fault_list.hpp"
#include "faults/fault_point.hpp"
#include "faults/fault_site.hpp"
#include "faults/stride.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <vector>

namespace {

using faults::Action;
using faults::all_faults;
using faults::Control;
using faults::Fault;
using faults::Kind;
using faults::Operation;

// No operation makes so many calls of a kind: it would not end.
constexpr std::uint64_t kTooMany = 20'000;

/// Calls that an operation cannot do without: a report that did not meet them has not tested it.
std::vector<Kind> needed(Operation operation) {
  using enum Kind;
  switch (operation) {
    case Operation::open:
      return {open, read, lock, stat, close, mkdir};
    case Operation::retr:
      return {open, read, stat, close};
    case Operation::update:
      return {open, read, write, sync, lock, stat, close, rename};
  }
  return {};
}

struct Row {
  std::uint64_t highest = 0;
  std::uint64_t points = 0;
  std::uint64_t completed = 0;
  std::uint64_t untouched = 0;   // failed or killed, every byte as before
  std::uint64_t repeatable = 0;  // failed or killed, changed, and the same again did it
  std::uint64_t problems = 0;
  std::uint64_t apart = 0;  // of all: met by a child of the process that serves
};

struct Options {
  bool full = false;
  bool verbose = false;
  std::string only;
  std::string site;
};

int usage() {
  std::fputs("usage: fault_driver [--full] [--only OPERATION] [--site TEXT] [--verbose]\n", stderr);
  return 64;
}

Control& shared_control() {
  void* memory = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("mmap");
  return *static_cast<Control*>(memory);  // lives as long as the process
}

void run_fault(const faults::Site& site, Operation operation, const Fault& fault, Control& control, Row& row,
               bool verbose) {
  for (std::uint64_t n = 1; n <= kTooMany; n += faults::kStride) {
    const faults::Outcome outcome = run_point(site, operation, fault, n, control);
    const auto tell = [&](const char* what) {
      std::printf("%s: %s %s %llu %s (%s): %s\n", site.name().c_str(), std::string(name(operation)).c_str(),
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
    row.highest = std::max(row.highest, n);
    ++(outcome.completed ? row.completed : outcome.untouched ? row.untouched : row.repeatable);
  }
  throw std::runtime_error("an operation that does not end");
}

/// A write or sync of the index that only claims to be done must be found out, or the rest of the report says nothing.
/// Returns how many lies were believed.
std::uint64_t believed_lies(const std::vector<faults::Site>& sites, Control& control) {
  std::uint64_t believed = 0;
  for (const Kind kind : {Kind::write, Kind::sync}) {
    const Fault lie{kind, Action::lie, 0, "a lie"};
    bool is_found_out = false;
    for (std::uint64_t n = 1; n <= kTooMany; ++n) {
      const faults::Outcome outcome = run_point(sites.front(), Operation::update, lie, n, control);
      if (!outcome.fired) break;
      is_found_out = is_found_out || (outcome.where.ends_with("/cyrus.index") && !outcome.problem.empty());
    }
    if (is_found_out) continue;
    ++believed;
    std::printf("UPDATE: a %s of cyrus.index that was not done is not noticed\n",
                std::string(faults::kKindNames[static_cast<std::size_t>(kind)]).c_str());
  }
  return believed;
}

int run(const Options& options) {
  Control& control = shared_control();
  ::fault_shim_use(&control);
  const auto sites = faults::all_sites(options.full);
  std::map<std::pair<Operation, Kind>, std::uint64_t> met;
  std::uint64_t problems = believed_lies(sites, control);
  std::uint64_t points = 0;
  std::uint64_t apart = 0;
  std::uint64_t survived = 0;
  std::vector<std::pair<std::string, Row>> table;
  for (const Operation operation : {Operation::open, Operation::retr, Operation::update}) {
    if (!options.only.empty() && options.only != name(operation)) continue;
    for (const Fault& fault : all_faults()) {
      // Only UPDATE has a child that makes calls; elsewhere this would be "killed" once more.
      if (fault.action == Action::kill_parent && operation != Operation::update) continue;
      Row row;
      for (const faults::Site& site : sites) {
        if (site.name().find(options.site) == std::string::npos) continue;
        // Thousands of messages make a point slow, and only writing differs from a small mailbox.
        const bool writes = operation == Operation::update && (fault.kind == Kind::write || fault.kind == Kind::sync);
        if (site.is_large() && !writes) continue;
        run_fault(site, operation, fault, control, row, options.verbose);
      }
      met[{operation, fault.kind}] += row.points;
      problems += row.problems;
      points += row.points;
      apart += row.apart;
      if (fault.action == Action::kill_parent) survived += row.apart;
      std::string text = std::string(name(operation));
      text.resize(8, ' ');
      text += faults::kKindNames[static_cast<std::size_t>(fault.kind)];
      text.resize(18, ' ');
      text += fault.name;
      text.resize(40, ' ');
      if (row.points > 0 || row.problems > 0) table.emplace_back(text, row);
    }
  }

  std::printf("\n%-40s%8s%8s%11s%11s%12s%10s\n", "operation, call, fault", "highest", "points", "completed",
              "untouched", "repeatable", "problems");
  const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  for (const auto& [text, row] : table) {
    std::printf("%s%8llu%8llu%11llu%11llu%12llu%10llu\n", text.c_str(), number(row.highest), number(row.points),
                number(row.completed), number(row.untouched), number(row.repeatable), number(row.problems));
  }
  std::printf(
      "\n%llu points on %zu sites, %llu problems; %llu of them in the child that writes, which went on without "
      "its parent in %llu\n",
      number(points), sites.size(), number(problems), number(apart), number(survived));
  const bool has_update = options.only.empty() || options.only == name(Operation::update);
  if (has_update && survived == 0) {
    ++problems;
    std::printf("no parent was ever killed while its child worked\n");
  }
  for (const Operation operation : {Operation::open, Operation::retr, Operation::update}) {
    if (!options.only.empty() && options.only != name(operation)) continue;
    for (const Kind kind : needed(operation)) {
      if (met[{operation, kind}] > 0) continue;
      ++problems;
      std::printf("%s: no %s was ever met\n", std::string(name(operation)).c_str(),
                  std::string(faults::kKindNames[static_cast<std::size_t>(kind)]).c_str());
    }
  }
  return problems == 0 ? 0 : 1;
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
    } else if (argument == "--only" && i + 1 < argc) {
      options.only = argv[++i];
    } else if (argument == "--site" && i + 1 < argc) {
      options.site = argv[++i];
    } else {
      return usage();
    }
  }
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fault_driver: %s\n", error.what());
    return 1;
  }
}

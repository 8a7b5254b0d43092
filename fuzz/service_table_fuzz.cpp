// Any sequence of forks, status messages, exits and reloads: the counters must be those of the living workers.

#include "base/check.hpp"
#include "master/service_table.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace {

using namespace master;

void check(const ServiceTable& table, std::span<const ServiceId> services, TimePoint now) {
  std::size_t active = 0;
  for (const ServiceId id : services) {
    if (!table.contains(id)) continue;
    const Counters counters = table.counters(id);
    CHECK(counters.ready >= 0 && counters.ready <= counters.active);
    CHECK(static_cast<std::size_t>(counters.active) == table.workers(id).size());
    CHECK(table.to_fork(id, now) <= std::max(0, 4 - counters.active));
    active += table.workers(id).size();
  }
  CHECK(table.workers().size() == active);
  if (const auto at = table.next_change(now)) CHECK(*at > now);
}

}  // namespace

// Four octets a step: what, whom, with which value, how much later.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kStep = 4;
  ServiceTable table;
  const std::array services{table.add("a/ipv4", Limits{.prefork = 2, .maxchild = 4, .maxforkrate = 3}, true),
                            table.add("b/ipv6", Limits{.prefork = 1, .maxchild = 4, .babysit = true}, true),
                            table.add("c/daemon", Limits{.maxchild = 1, .maxforkrate = 10, .babysit = true}, false)};
  TimePoint now = TimePoint{} + std::chrono::hours(1);
  pid_t next_pid = 1;
  for (std::size_t at = 0; at + kStep <= size; at += kStep) {
    const ServiceId id = services[data[at + 1] % services.size()];
    const pid_t pid = data[at + 1];
    const int value = static_cast<std::int8_t>(data[at + 2]);
    now += std::chrono::milliseconds(data[at + 3] * 20);
    switch (data[at] % 6) {
      case 0:
        if (table.contains(id) && table.to_fork(id, now) > 0) table.forked(id, next_pid++, now);
        break;
      case 1:
        if (table.contains(id)) table.heard(id, service::Status{value, data[at + 2]}, now);
        break;
      case 2:
        if (table.contains(id)) table.heard(id, service::Status{value % 6, pid}, now);
        break;
      case 3:
        table.exited(pid, (data[at + 2] & 0x7f) == 0x7f ? 0 : data[at + 2], now);
        break;
      case 4:
        table.signalled(pid, value);
        break;
      default:
        if (!table.contains(id)) break;
        if (data[at + 2] == 0xff) {
          table.retire(id);
        } else {
          table.change(id, Limits{.prefork = value % 4, .maxchild = 4, .babysit = value < 0});
        }
    }
    check(table, services, now);
  }
  return 0;
}

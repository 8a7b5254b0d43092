#include "master/plan.hpp"

#include <utility>

namespace master {
namespace {

using base::Errc;

// What babysit and DAEMON entries get when the file does not say.
constexpr int kCarefulForkRate = 10;

template <class Entry>
base::Result<Command> command_of(const Entry& entry, const char* kind,
                                 const std::vector<std::filesystem::path>& folders) {
  auto command = find_command(entry.cmd, folders);
  if (!command) {
    return base::fail(command.error().code, std::string("cannot find executable for ") + kind + " '" + entry.name +
                                                "': " + command.error().text);
  }
  return command;
}

base::Result<Endpoint> endpoint_of(const config::ServiceEntry& entry) {
  auto address = config::parse_listen(entry.listen);
  if (!address) {
    return base::fail(Errc::invalid, "service '" + entry.name + "': " + address.error().text);
  }
  return Endpoint{std::move(address->path), std::move(address->host), std::move(address->port),
                  entry.proto.empty() ? "tcp" : entry.proto};
}

base::Result<PlannedService> plan_service(const config::ServiceEntry& entry,
                                          const std::vector<std::filesystem::path>& folders) {
  auto command = command_of(entry, "service", folders);
  if (!command) return tl::unexpected<base::Error>(std::move(command.error()));
  auto endpoint = endpoint_of(entry);
  if (!endpoint) return tl::unexpected<base::Error>(std::move(endpoint.error()));

  PlannedService service{entry.name, entry.listen, std::move(*endpoint), std::move(*command), {}, entry.maxfds};
  service.limits = Limits{entry.prefork, entry.maxchild, entry.maxforkrate, entry.babysit};
  if (entry.babysit) {
    if (service.limits.prefork == 0) service.limits.prefork = 1;
    if (service.limits.maxforkrate == 0) service.limits.maxforkrate = kCarefulForkRate;
  }
  // A datagram has one reader: a second worker would take the answers of the first.
  if (service.endpoint.proto.starts_with("udp")) {
    if (service.limits.prefork > 1) service.limits.prefork = 1;
    service.limits.maxchild = 1;
  }
  return service;
}

base::Result<PlannedDaemon> plan_daemon(const config::DaemonEntry& entry,
                                        const std::vector<std::filesystem::path>& folders) {
  auto command = command_of(entry, "daemon", folders);
  if (!command) return tl::unexpected<base::Error>(std::move(command.error()));
  const int rate = entry.maxforkrate == 0 ? kCarefulForkRate : entry.maxforkrate;
  return PlannedDaemon{entry.name, std::move(*command),
                       Limits{.prefork = 0, .maxchild = 1, .maxforkrate = rate, .babysit = true}, entry.maxfds,
                       entry.wait};
}

void warn_of_what_is_not_done(const config::CyrusConf& conf, Plan& plan) {
  std::string events;
  for (const auto& event : conf.events) events += (events.empty() ? "" : ", ") + event.name;
  if (!events.empty()) {
    plan.warnings.push_back("EVENTS are not run by this master, use cron or a timer for them: " + events);
  }
  std::string waited;
  for (const PlannedDaemon& daemon : plan.daemons) {
    if (daemon.wait) waited += (waited.empty() ? "" : ", ") + daemon.name;
  }
  if (!waited.empty()) plan.warnings.push_back("wait=y has no effect, these are started without waiting: " + waited);
}

// Fills `into` with what `make` makes of each entry; stops at the first error.
template <class Entries, class Planned, class Make>
base::Result<void> plan_all(const Entries& entries, std::vector<Planned>& into, Make make) {
  for (const auto& entry : entries) {
    auto planned = make(entry);
    if (!planned) return tl::unexpected<base::Error>(std::move(planned.error()));
    into.push_back(std::move(*planned));
  }
  return {};
}

}  // namespace

base::Result<Plan> make_plan(const config::CyrusConf& conf, const std::vector<std::filesystem::path>& folders) {
  Plan plan;
  plan.warnings = conf.warnings;
  const auto start = [&](const config::StartEntry& entry) -> base::Result<PlannedStart> {
    auto command = command_of(entry, "START entry", folders);
    if (!command) return tl::unexpected<base::Error>(std::move(command.error()));
    return PlannedStart{entry.name, std::move(*command)};
  };
  auto done = plan_all(conf.start, plan.start, start);
  if (done) {
    done = plan_all(conf.services, plan.services, [&](const auto& entry) { return plan_service(entry, folders); });
  }
  if (done) {
    done = plan_all(conf.daemons, plan.daemons, [&](const auto& entry) { return plan_daemon(entry, folders); });
  }
  if (!done) return tl::unexpected<base::Error>(std::move(done.error()));
  warn_of_what_is_not_done(conf, plan);
  return plan;
}

}  // namespace master

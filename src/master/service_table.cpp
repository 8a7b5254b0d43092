#include "master/service_table.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <signal.h>
#include <sys/wait.h>
#include <utility>

namespace master {
namespace {

using base::Severity;

constexpr std::chrono::seconds kDeadIsRemembered{2};
constexpr std::chrono::seconds kQuickEnd{1};
// A worker can invent pids as fast as it can write: beyond this, inventions are ignored.
constexpr std::size_t kMaxRecords = 100'000;
constexpr int kTempFail = 75;  // EX_TEMPFAIL: how Cyrus services end on SIGTERM

// "service pop3/ipv4 pid 12 in READY state: ..."
std::string about(const std::string& label, pid_t pid, WorkerState state, std::string_view what) {
  std::string text = "service " + label + " pid " + std::to_string(pid) + " in ";
  text += name(state);
  text += " state: ";
  text += what;
  return text;
}

std::string hexadecimal(std::int32_t value) {
  std::string digits;
  auto rest = static_cast<std::uint32_t>(value);
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[rest & 15]);
    rest >>= 4;
  } while (rest != 0);
  return "0x" + digits;
}

std::optional<Remark> remark_on(Oddity oddity, const std::string& label, pid_t pid, WorkerState state,
                                std::int32_t message) {
  switch (oddity) {
    case Oddity::none:
      return std::nullopt;
    case Oddity::already_ready:
      return Remark{Severity::warning, about(label, pid, state, "says it is available, which it already was")};
    case Oddity::already_busy:
      return Remark{Severity::warning, about(label, pid, state, "says it is unavailable, which it already was")};
    case Oddity::serving_while_ready:
      return Remark{Severity::error, about(label, pid, state, "serves without having said unavailable, now BUSY")};
    case Oddity::multi_while_busy:
      return Remark{Severity::error,
                    about(label, pid, state, "serves one more although it was unavailable, now READY")};
    case Oddity::unknown_message:
      return Remark{Severity::critical,
                    about(label, pid, state, "Software bug: unrecognized message " + hexadecimal(message))};
  }
  return std::nullopt;
}

bool ended_well(int wait_status) {
  if (!WIFEXITED(wait_status)) return false;
  return WEXITSTATUS(wait_status) == 0 || WEXITSTATUS(wait_status) == kTempFail;
}

}  // namespace

int ServiceTable::Service::wanted() const {
  if (retired) return 0;
  int count = speaks ? std::max(0, limits.prefork - counters.ready) : 0;
  if (limits.babysit && counters.active == 0) count = std::max(count, 1);
  if (limits.maxchild >= 0) count = std::min(count, std::max(0, limits.maxchild - counters.active));
  return count;
}

ServiceId ServiceTable::add(std::string label, const Limits& limits, bool speaks) {
  const ServiceId id{next_id_++};
  services_.emplace(id, Service{std::move(label), limits, speaks, false, {}, ForkRate(limits.maxforkrate), {}});
  return id;
}

void ServiceTable::change(ServiceId id, const Limits& limits) {
  Service& service = services_.at(id);
  if (service.limits.maxforkrate != limits.maxforkrate) service.rate = ForkRate(limits.maxforkrate);
  service.limits = limits;
  service.back_off.reset();
}

void ServiceTable::retire(ServiceId id) {
  Service& service = services_.at(id);
  service.retired = true;
  if (service.counters.active == 0) services_.erase(id);
}

void ServiceTable::forked(ServiceId id, pid_t pid, TimePoint now) {
  forget_dead(now);
  Service& service = services_.at(id);
  const WorkerState state = service.speaks ? WorkerState::ready : WorkerState::unknown;
  const auto [at, is_new] = workers_.insert_or_assign(pid, Worker{id, state, now});
  CHECK(at->second.service == id);
  service.rate.forked(now);
  ++service.counters.forks;
  ++service.counters.active;
  if (state == WorkerState::ready) ++service.counters.ready;
}

Remarks ServiceTable::fork_failed(ServiceId id, TimePoint now) {
  Remarks remarks;
  note_failure(services_.at(id), now, remarks);
  return remarks;
}

// Keeps `ready` equal to the number of READY workers, whatever changes a state.
void ServiceTable::set_state(Worker& worker, WorkerState state) {
  const auto service = services_.find(worker.service);
  if (service != services_.end()) {
    int& ready = service->second.counters.ready;
    if (worker.state == WorkerState::ready) --ready;
    if (state == WorkerState::ready) ++ready;
  }
  worker.state = state;
}

// The worker that a message speaks of; for a stranger a DEAD record, so that the log hears of it once. nullptr: full.
ServiceTable::Worker* ServiceTable::find_or_bury(ServiceId id, pid_t pid, TimePoint now, Remarks& remarks) {
  if (const auto found = workers_.find(pid); found != workers_.end()) return &found->second;
  if (workers_.size() >= kMaxRecords) return nullptr;
  remarks.push_back({Severity::warning, "service " + services_.at(id).label + " pid " + std::to_string(pid) +
                                            ": receiving messages from long dead children"});
  Worker stranger{id, WorkerState::dead, now};
  stranger.died = now;
  return &workers_.insert_or_assign(pid, stranger).first->second;
}

void ServiceTable::move(Worker& worker, pid_t pid, ServiceId to, Remarks& remarks) {
  Service& old_service = services_.at(worker.service);
  Service& new_service = services_.at(to);
  remarks.push_back({Severity::error, "service " + old_service.label + " pid " + std::to_string(pid) +
                                          " reports as service " + new_service.label + ", counted there from now on"});
  for (auto [service, change] : {std::pair{&old_service, -1}, std::pair{&new_service, 1}}) {
    service->counters.active += change;
    if (worker.state == WorkerState::ready) service->counters.ready += change;
  }
  const ServiceId from = worker.service;
  worker.service = to;
  if (old_service.retired && old_service.counters.active == 0) services_.erase(from);
}

Remarks ServiceTable::heard(ServiceId id, const service::Status& status, TimePoint now) {
  forget_dead(now);
  Remarks remarks;
  Worker* const worker = find_or_bury(id, status.pid, now, remarks);
  if (worker == nullptr) return remarks;
  if (worker->state != WorkerState::dead && worker->service != id) move(*worker, status.pid, id, remarks);

  Service& service = services_.at(id);
  const WorkerState before = worker->state;
  const Transition step = transition(before, status.message);
  if (auto remark = remark_on(step.oddity, service.label, status.pid, before, status.message)) {
    remarks.push_back(std::move(*remark));
  }
  if (step.connection) {
    ++service.counters.connections;
    worker->served = true;
  }
  set_state(*worker, step.next);
  return remarks;
}

void ServiceTable::signalled(pid_t pid, int signal) {
  const auto found = workers_.find(pid);
  if (found != workers_.end()) found->second.signal = signal;
}

void ServiceTable::note_failure(Service& service, TimePoint now, Remarks& remarks) {
  const auto pause = service.back_off.failed(now);
  if (!pause) return;
  remarks.push_back({Severity::warning, "service " + service.label + ": " +
                                            std::to_string(service.back_off.failures()) +
                                            " failures in a row, next start in " + std::to_string(pause->count()) +
                                            " s" + (service.speaks ? ", the port stays open" : "")});
}

std::optional<Departure> ServiceTable::exited(pid_t pid, int wait_status, TimePoint now) {
  const auto found = workers_.find(pid);
  if (found == workers_.end() || found->second.state == WorkerState::dead) return std::nullopt;
  Worker& worker = found->second;
  Service& service = services_.at(worker.service);
  Departure departure{worker.service, worker.state, now - worker.born, false, {}};

  const bool as_told = worker.signal != 0 && (ended_well(wait_status) ||
                                              (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == worker.signal));
  const bool useless = !worker.served && departure.age < kQuickEnd;
  if (!as_told && !service.retired) {
    if (!ended_well(wait_status) && (worker.state != WorkerState::busy || !worker.served)) {
      departure.failed = true;
      departure.remarks.push_back(
          {Severity::warning, about(service.label, pid, worker.state, "terminated abnormally")});
    } else if (ended_well(wait_status) && useless) {
      departure.failed = true;
      departure.remarks.push_back(
          {Severity::warning, about(service.label, pid, worker.state, "ended at once without serving anybody")});
    }
  }
  if (departure.failed) note_failure(service, now, departure.remarks);

  set_state(worker, WorkerState::dead);
  worker.died = now;
  --service.counters.active;
  if (service.retired && service.counters.active == 0) services_.erase(worker.service);
  return departure;
}

int ServiceTable::to_fork(ServiceId id, TimePoint now) const {
  const Service& service = services_.at(id);
  if (service.back_off.pausing(now)) return 0;
  return service.rate.allowed(service.wanted(), now);
}

bool ServiceTable::watch_port(ServiceId id, TimePoint now) const {
  const Service& service = services_.at(id);
  return service.wants_port() && !service.back_off.pausing(now) && service.rate.allowed(1, now) == 1;
}

std::optional<TimePoint> ServiceTable::next_change(TimePoint now) const {
  std::optional<TimePoint> earliest;
  for (const auto& [id, service] : services_) {
    if (service.wanted() == 0 && !service.wants_port()) continue;
    const TimePoint at = std::max(service.back_off.until(), service.rate.next(now));
    if (at > now && (!earliest || at < *earliest)) earliest = at;
  }
  return earliest;
}

Counters ServiceTable::counters(ServiceId id) const { return services_.at(id).counters; }

std::string ServiceTable::label(ServiceId id) const { return services_.at(id).label; }

std::vector<pid_t> ServiceTable::workers(ServiceId id) const {
  std::vector<pid_t> pids;
  for (const auto& [pid, worker] : workers_) {
    if (worker.service == id && worker.state != WorkerState::dead) pids.push_back(pid);
  }
  return pids;
}

std::vector<pid_t> ServiceTable::workers() const {
  std::vector<pid_t> pids;
  for (const auto& [pid, worker] : workers_) {
    if (worker.state != WorkerState::dead) pids.push_back(pid);
  }
  return pids;
}

void ServiceTable::forget_dead(TimePoint now) {
  if (now - dead_checked_ < kDeadIsRemembered) return;
  dead_checked_ = now;
  std::erase_if(workers_, [now](const auto& entry) {
    return entry.second.state == WorkerState::dead && now - entry.second.died >= kDeadIsRemembered;
  });
}

}  // namespace master

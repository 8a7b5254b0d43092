#include "master/master_loop.hpp"

#include "master/exit_report.hpp"
#include "service/status_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <thread>
#include <unistd.h>

namespace master {
namespace {

using base::Errc;
using std::chrono::steady_clock;

// A pipe holds 64 KiB: so many looks empty it, unless somebody keeps filling it.
constexpr int kLooksPerDrain = 16;
// After the killing. Only a process that hangs inside the kernel takes longer, and nobody can wait for that.
constexpr std::chrono::seconds kAfterKill{5};

base::Result<std::pair<base::UniqueFd, base::UniqueFd>> make_status_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return base::fail_system("status pipe", errno);
  std::pair pipe{base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
  // Only our end: the services of Cyrus expect a descriptor that blocks.
  if (::fcntl(pipe.first.value(), F_SETFL, O_NONBLOCK) != 0) return base::fail_system("status pipe", errno);
  return pipe;
}

bool succeeded(int wait_status) {
  return WIFEXITED(wait_status) && (WEXITSTATUS(wait_status) == 0 || WEXITSTATUS(wait_status) == EX_TEMPFAIL);
}

int milliseconds_until(TimePoint at, TimePoint now) {
  if (at <= now) return 0;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(at - now).count();
  return static_cast<int>(std::min<std::int64_t>(wait, 3'600'000));
}

}  // namespace

MasterLoop::MasterLoop(LoopSettings settings, SignalSource& signals, const base::Log& log, Reload reload)
    : settings_(settings), signals_(signals), log_(log), reload_(std::move(reload)) {}

void MasterLoop::write(const Remarks& remarks) const {
  for (const Remark& remark : remarks) log_.write(remark.severity, remark.text);
}

base::Result<void> MasterLoop::run_start(const std::vector<PlannedStart>& commands) {
  for (const PlannedStart& start : commands) {
    ChildSetup setup;
    setup.signal_mask = signals_.original_mask();
    const TimePoint began = steady_clock::now();
    const auto pid = spawn(start.command, setup, log_);
    if (!pid) return tl::unexpected<base::Error>(pid.error());

    bool ending = false;
    int status = 0;
    while (::waitpid(*pid, &status, WNOHANG) == 0) {
      struct pollfd signals = {signals_.fd(), POLLIN, 0};
      // -1 or 0 bring us back to waitpid, which is all that matters here.
      static_cast<void>(::poll(&signals, 1, -1));
      for (const int signal : signals_.take()) {
        if (signal == SIGHUP) reload_asked_ = true;
        if (!asks_for_shutdown(signal)) continue;
        // The second request is the impatient one.
        signal_group(*pid, ending ? SIGKILL : SIGTERM);
        ending = true;
      }
    }
    const Remark line =
        exit_line(Ended{"START", start.name, start.command.path, steady_clock::now() - began, *pid}, status);
    log_.write(line.severity, line.text);
    if (ending) return base::fail(Errc::closed, "asked to end during startup");
    if (!succeeded(status)) return base::fail(Errc::invalid, "can't run startup");
  }
  return {};
}

base::Result<void> MasterLoop::open_runner(const PlannedService& planned, const SocketAddress& address, int associate) {
  auto listener = open_listener(address, settings_.listen);
  if (!listener) return tl::unexpected<base::Error>(std::move(listener.error()));
  auto pipe = make_status_pipe();
  if (!pipe) return tl::unexpected<base::Error>(std::move(pipe.error()));

  Runner runner;
  runner.service = planned;
  runner.associate = associate;
  runner.listener = std::move(*listener);
  runner.status_read = std::move(pipe->first);
  runner.status_write = std::move(pipe->second);
  runner.id = table_.add(planned.name + "/" + std::string(family_name(address)), planned.limits, true);
  runners_.emplace(runner.id, std::move(runner));
  return {};
}

std::size_t MasterLoop::open_service(const PlannedService& planned) {
  const auto addresses = resolve(planned.endpoint);
  if (!addresses) {
    log_.error("service " + planned.name + ": " + addresses.error().text);
    return 1;
  }
  std::size_t failures = 0;
  std::optional<std::string> no_such_family;
  int associate = 0;
  for (const SocketAddress& address : *addresses) {
    if (auto opened = open_runner(planned, address, associate)) {
      ++associate;
    } else if (opened.error().code == Errc::unsupported && addresses->size() > 1) {
      no_such_family = opened.error().text;  // a host without IPv6 is no error while IPv4 works
    } else {
      ++failures;
      log_.error("service " + planned.name + ": " + opened.error().text);
    }
  }
  if (associate == 0 && failures == 0) {
    ++failures;
    log_.error("service " + planned.name + ": " + no_such_family.value_or("no address"));
  }
  return failures;
}

void MasterLoop::add_daemon(const PlannedDaemon& planned) {
  Runner runner;
  runner.daemon = planned;
  runner.id = table_.add(planned.name + "/daemon", planned.limits, false);
  runners_.emplace(runner.id, std::move(runner));
}

std::size_t MasterLoop::open(const Plan& plan) {
  std::size_t failures = 0;
  for (const PlannedService& service : plan.services) failures += open_service(service);
  for (const PlannedDaemon& daemon : plan.daemons) add_daemon(daemon);
  return failures;
}

std::size_t MasterLoop::listeners() const {
  return static_cast<std::size_t>(
      std::count_if(runners_.begin(), runners_.end(), [](const auto& entry) { return bool{entry.second.listener}; }));
}

void MasterLoop::run() {
  if (reload_asked_) reload();
  while (!gave_up_ && !(shutdown_deadline_ && table_.workers().empty())) turn();
  if (!gave_up_) log_.notice("All children have exited, closing down");
}

void MasterLoop::turn() {
  now_ = steady_clock::now();
  drop_finished();
  if (shutdown_deadline_) {
    check_shutdown_limit();
  } else {
    fork_wanted();
  }
  const Readable readable = wait();
  now_ = steady_clock::now();
  // Messages first: what a worker has said decides whether its port needs another one, and how its end is judged.
  for (const ServiceId id : readable.pipes) drain(runners_.at(id));
  for (const ServiceId id : readable.ports) answer_port(id);
  if (readable.signals) handle_signals();
}

int MasterLoop::poll_timeout() const {
  std::optional<TimePoint> at = shutdown_deadline_;
  if (!shutdown_deadline_) at = table_.next_change(now_);
  return at ? milliseconds_until(*at, now_) : -1;
}

MasterLoop::Readable MasterLoop::wait() {
  std::vector<pollfd> polled{{signals_.fd(), POLLIN, 0}};
  std::vector<std::pair<ServiceId, bool>> owners{{ServiceId{}, false}};  // true: the port; the first entry is unused
  for (const auto& [id, runner] : runners_) {
    if (runner.status_read) {
      polled.push_back({runner.status_read.value(), POLLIN, 0});
      owners.emplace_back(id, false);
    }
    if (runner.listener && table_.watch_port(id, now_)) {
      polled.push_back({runner.listener.value(), POLLIN, 0});
      owners.emplace_back(id, true);
    }
  }

  Readable readable;
  const int count = ::poll(polled.data(), polled.size(), poll_timeout());
  if (count < 0) {
    const int error = errno;
    // Out of memory in the kernel: the next try may succeed, and giving up would take the mail service down.
    if (error != EINTR) {
      log_.error(base::system_error("poll", error).text);
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return readable;
  }
  readable.signals = polled.front().revents != 0;
  for (std::size_t i = 1; i < polled.size(); ++i) {
    if (polled[i].revents == 0) continue;
    const auto& [id, is_port] = owners[i];
    (is_port ? readable.ports : readable.pipes).push_back(id);
  }
  return readable;
}

void MasterLoop::fork_wanted() {
  for (auto& [id, runner] : runners_) {
    if (!table_.contains(id)) continue;
    for (int wanted = table_.to_fork(id, now_); wanted > 0 && table_.to_fork(id, now_) > 0; --wanted) fork_one(runner);
  }
}

void MasterLoop::answer_port(ServiceId id) {
  if (!table_.watch_port(id, now_)) return;
  fork_one(runners_.at(id));
}

void MasterLoop::fork_one(Runner& runner) {
  ChildSetup setup;
  setup.signal_mask = signals_.original_mask();
  setup.environment = {{"CYRUS_SERVICE", runner.name()}, {"CYRUS_ID", std::to_string(runner.associate)}};
  if (runner.service) {
    setup.status_fd = runner.status_write.value();
    setup.listen_fd = runner.listener.value();
    setup.max_fds = runner.service->max_fds;
  } else {
    setup.environment.emplace_back("CYRUS_ISDAEMON", "1");
    setup.max_fds = runner.daemon->max_fds;
    // It will write its "ok" to descriptor 3, and must not fail because nobody waits for it.
    if (runner.daemon->wait) setup.status_fd = settings_.null_fd;
  }
  const auto pid = spawn(runner.command(), setup, log_);
  if (!pid) {
    log_.error("service " + runner.name() + ": " + pid.error().text);
    write(table_.fork_failed(runner.id, now_));
    return;
  }
  table_.forked(runner.id, *pid, now_);
}

void MasterLoop::drain(Runner& runner) {
  if (!runner.status_read) return;
  for (int look = 0; look < kLooksPerDrain; ++look) {
    const auto batch = service::read_statuses(runner.status_read.value());
    if (!batch) {
      // We hold a write end ourselves, so this is no worker's doing.
      log_.error("service " + runner.name() + ": " + batch.error().text);
      return;
    }
    if (batch->stray_bytes != 0) {
      log_.error("service " + runner.name() + ": got incorrectly sized response from child: " +
                 std::to_string(batch->stray_bytes) + " octets dropped");
    }
    if (batch->messages.empty() && batch->stray_bytes == 0) return;
    for (const service::Status& status : batch->messages) {
      if (table_.contains(runner.id)) write(table_.heard(runner.id, status, now_));
    }
  }
}

// Each worker has written its last message before it ended: after waitpid it is in the pipe. So all pipes are read
// between the waiting and the judging; else a worker that served and left at once would look like one that failed.
void MasterLoop::reap() {
  std::vector<std::pair<pid_t, int>> ended;
  int status = 0;
  for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG)) {
    ended.emplace_back(pid, status);
  }
  for (auto& [id, runner] : runners_) drain(runner);
  for (const auto& [pid, wait_status] : ended) report_end(pid, wait_status);
}

void MasterLoop::report_end(pid_t pid, int wait_status) {
  const auto departure = table_.exited(pid, wait_status, now_);
  const auto runner = departure ? runners_.find(departure->service) : runners_.end();
  Ended ended{"ZOMBIE", "", "", Duration{}, pid};
  if (runner != runners_.end()) {
    ended = Ended{runner->second.service ? "SERVICE" : "DAEMON", runner->second.name(), runner->second.command().path,
                  departure->age, pid};
  }
  const Remark line = exit_line(ended, wait_status);
  log_.write(line.severity, line.text);
  if (departure) write(departure->remarks);
}

void MasterLoop::handle_signals() {
  bool child = false;
  bool hang_up = false;
  bool end = false;
  for (const int signal : signals_.take()) {
    child = child || signal == SIGCHLD;
    hang_up = hang_up || signal == SIGHUP;
    end = end || asks_for_shutdown(signal);
  }
  if (child) reap();
  if (end && !shutdown_deadline_) {
    begin_shutdown();
  } else if (hang_up && !shutdown_deadline_) {
    reload();
  }
}

void MasterLoop::drop_finished() {
  std::erase_if(runners_, [&](const auto& entry) { return !table_.contains(entry.first); });
}

void MasterLoop::reload() {
  log_.notice("got SIGHUP");
  const auto plan = reload_();
  if (!plan) {
    log_.error("new configuration refused, the old one stays: " + plan.error().text);
    return;
  }
  for (const std::string& warning : plan->warnings) log_.warning(warning);
  apply(*plan);
}

bool MasterLoop::renew(Runner& runner, const Plan& plan) {
  if (runner.service) {
    const auto same = std::find_if(plan.services.begin(), plan.services.end(),
                                   [&](const PlannedService& other) { return other.same_place(*runner.service); });
    if (same == plan.services.end()) return false;
    runner.service = *same;
    table_.change(runner.id, same->limits);
  } else {
    const auto same = std::find_if(plan.daemons.begin(), plan.daemons.end(),
                                   [&](const PlannedDaemon& other) { return other.name == runner.daemon->name; });
    if (same == plan.daemons.end()) return false;
    runner.daemon = *same;
    table_.change(runner.id, same->limits);
  }
  return true;
}

void MasterLoop::apply(const Plan& plan) {
  std::size_t kept = 0;
  std::size_t removed = 0;
  for (auto& [id, runner] : runners_) {
    if (runner.retired) continue;
    const bool stays = renew(runner, plan);
    if (stays) {
      ++kept;
      hang_up(runner);
    } else {
      ++removed;
      retire(runner);
    }
  }

  // After the old ones are gone: a service that has changed its name takes over the port.
  std::size_t failures = 0;
  const auto runs = [&](auto&& is_it) {
    return std::any_of(runners_.begin(), runners_.end(),
                       [&](const auto& entry) { return !entry.second.retired && is_it(entry.second); });
  };
  const std::size_t before = runners_.size();
  for (const PlannedService& service : plan.services) {
    if (!runs([&](const Runner& runner) { return runner.service && runner.service->same_place(service); })) {
      failures += open_service(service);
    }
  }
  for (const PlannedDaemon& daemon : plan.daemons) {
    if (!runs([&](const Runner& runner) { return runner.daemon && runner.daemon->name == daemon.name; })) {
      add_daemon(daemon);
    }
  }
  log_.notice("Services reconfigured: " + std::to_string(kept) + " kept, " + std::to_string(removed) + " removed, " +
              std::to_string(runners_.size() - before) + " added, " + std::to_string(failures) + " not bound");
}

// To the worker alone, as Cyrus does: what it has started itself may not know the signal.
void MasterLoop::hang_up(const Runner& runner) {
  for (const pid_t pid : table_.workers(runner.id)) {
    table_.signalled(pid, SIGHUP);
    static_cast<void>(::kill(pid, SIGHUP));  // ESRCH: it has just ended
  }
}

void MasterLoop::retire(Runner& runner) {
  runner.retired = true;
  if (runner.service) {
    // In every process that shares the socket accept fails from now on; closing ours alone would leave the port open.
    static_cast<void>(::shutdown(runner.listener.value(), SHUT_RDWR));
    runner.listener.reset();
    hang_up(runner);
  } else {
    for (const pid_t pid : table_.workers(runner.id)) {
      table_.signalled(pid, SIGTERM);
      signal_group(pid, SIGTERM);
    }
  }
  table_.retire(runner.id);
}

void MasterLoop::begin_shutdown() {
  log_.info("attempting clean shutdown on signal");
  shutdown_deadline_ = now_ + settings_.shutdown_limit;
  const auto workers = table_.workers();
  for (auto& [id, runner] : runners_) {
    // Ours only: workers that drain may still hold theirs.
    runner.listener.reset();
    if (!runner.retired) {
      runner.retired = true;
      table_.retire(id);
    }
  }
  for (const pid_t pid : workers) {
    table_.signalled(pid, SIGTERM);
    signal_group(pid, SIGTERM);
  }
}

void MasterLoop::check_shutdown_limit() {
  if (now_ < *shutdown_deadline_) return;
  const auto left = table_.workers();
  if (killed_) {
    log_.error(std::to_string(left.size()) +
               " processes are left although they were killed, closing down without them");
    gave_up_ = true;
    return;
  }
  log_.warning(std::to_string(left.size()) + " processes are left after " +
               std::to_string(settings_.shutdown_limit.count()) + " s, killing them");
  for (const pid_t pid : left) {
    table_.signalled(pid, SIGKILL);
    signal_group(pid, SIGKILL);
  }
  killed_ = true;
  shutdown_deadline_ = now_ + kAfterKill;
}

}  // namespace master

#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "master/plan.hpp"
#include "master/service_table.hpp"
#include "master/signals.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace master {

/// What the loop needs to know beside the plan.
struct LoopSettings {
  ListenOptions listen;
  std::chrono::seconds shutdown_limit{30};  ///< from the request to the killing of what is left
  int null_fd = -1;                         ///< /dev/null; descriptor 3 of DAEMON entries with wait=y
};

/// Binds, forks, listens to the workers, reaps, reloads and ends: master after start-up. One thread; nothing blocks but
/// name lookup when addresses are bound.
///
/// ServiceTable decides how many processes there should be; this class does it and reports back.
class MasterLoop {
 public:
  /// Reads the configuration anew, for SIGHUP.
  using Reload = std::function<base::Result<Plan>()>;

  /// `signals` and `log` must outlive the loop.
  MasterLoop(LoopSettings settings, SignalSource& signals, const base::Log& log, Reload reload);

  /// Runs the START commands in order and waits for each.
  /// Errors: invalid (a command failed; already logged, "can't run startup"), closed (asked to end meanwhile).
  base::Result<void> run_start(const std::vector<PlannedStart>& commands);

  /// Binds all services, with one line in the log for each that cannot be bound. Returns how many of the addresses
  /// could not. Nothing is forked before run().
  std::size_t open(const Plan& plan);

  /// How many listening sockets there are.
  std::size_t listeners() const;

  /// Serves until a signal asks for shutdown, and returns when no child is left or the limit is over.
  void run();

 private:
  // One row of the table with what the table does not know: descriptors and command.
  struct Runner {
    ServiceId id{};
    std::optional<PlannedService> service;  // exactly one of the two is set
    std::optional<PlannedDaemon> daemon;
    int associate = 0;
    base::UniqueFd listener;
    base::UniqueFd status_read;
    base::UniqueFd status_write;  // kept open: the pipe of a service without workers is no closed pipe
    bool retired = false;

    const Command& command() const { return service ? service->command : daemon->command; }
    const std::string& name() const { return service ? service->name : daemon->name; }
  };

  std::size_t open_service(const PlannedService& planned);
  base::Result<void> open_runner(const PlannedService& planned, const SocketAddress& address, int associate);
  void add_daemon(const PlannedDaemon& planned);

  void turn();
  void fork_one(Runner& runner);
  void fork_wanted();
  /// Sleeps until something happens or must be done; returns what is readable.
  struct Readable {
    std::vector<ServiceId> pipes;
    std::vector<ServiceId> ports;
    bool signals = false;
  };
  Readable wait();
  int poll_timeout() const;

  void drain(Runner& runner);
  void answer_port(ServiceId id);
  void reap();
  void report_end(pid_t pid, int wait_status);
  void handle_signals();
  void write(const Remarks& remarks) const;

  void reload();
  void apply(const Plan& plan);
  /// Takes over what the plan says of the same service or daemon; false when it is no longer there.
  bool renew(Runner& runner, const Plan& plan);
  void retire(Runner& runner);
  void hang_up(const Runner& runner);
  void drop_finished();

  void begin_shutdown();
  void check_shutdown_limit();

  LoopSettings settings_;
  SignalSource& signals_;
  const base::Log& log_;
  Reload reload_;
  ServiceTable table_;
  std::map<ServiceId, Runner> runners_;
  TimePoint now_ = std::chrono::steady_clock::now();
  std::optional<TimePoint> shutdown_deadline_;
  bool killed_ = false;
  bool gave_up_ = false;
  bool reload_asked_ = false;
};

}  // namespace master

#pragma once

#include "base/log.hpp"
#include "master/fork_limits.hpp"
#include "master/worker_state.hpp"
#include "service/status.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <unordered_map>
#include <vector>

namespace master {

/// One listening address of a SERVICES entry, or one DAEMON entry.
enum class ServiceId : std::uint64_t {};

/// The numbers of cyrus.conf that decide how many processes there are.
struct Limits {
  int prefork = 0;
  int maxchild = -1;    ///< negative: no limit
  int maxforkrate = 0;  ///< 0: no limit
  bool babysit = false;
};

struct Counters {
  int ready = 0;   ///< workers in state READY
  int active = 0;  ///< living workers
  std::uint64_t connections = 0;
  std::uint64_t forks = 0;
};

/// A line for the log.
struct Remark {
  base::Severity severity;
  std::string text;
};
using Remarks = std::vector<Remark>;

/// What the table knew of a process that has ended.
struct Departure {
  ServiceId service;
  WorkerState state;
  Duration age;
  bool failed;  ///< counts as a failure, see exited()
  Remarks remarks;
};

/// Who works for which service, in which state, and what follows from that. Pure: knows pids and moments, but makes no
/// system call; the master loop does what the table says and tells it what happened.
class ServiceTable {
 public:
  /// `label` is for the log: "pop3/ipv4". `speaks` false: no status pipe, its workers stay UNKNOWN.
  ServiceId add(std::string label, const Limits& limits, bool speaks);

  /// New limits for a service, which also ends its back-off: the administrator has looked at it.
  void change(ServiceId id, const Limits& limits);

  /// Nothing is forked for it any more. It is forgotten with its last worker; until then it answers as before.
  void retire(ServiceId id);
  bool contains(ServiceId id) const { return services_.contains(id); }

  void forked(ServiceId id, pid_t pid, TimePoint now);
  /// fork(2) failed: counts like a worker that fails.
  Remarks fork_failed(ServiceId id, TimePoint now);

  /// A message that came through the status pipe of `id`. Hostile input: the pid may be anybody's.
  Remarks heard(ServiceId id, const service::Status& status, TimePoint now);

  /// Master has sent `signal` to the process; death by it is no failure, nor is any quick end after it.
  void signalled(pid_t pid, int signal);

  /// The process has ended with `wait_status` (waitpid). nullopt: nobody we know.
  ///
  /// A failure is an end by a signal that master did not send, or with a status other than 0 and 75, in state READY or
  /// UNKNOWN or before anything was served. An end within a second that served nobody is one too, whatever its status:
  /// else a program that does nothing would be started as fast as the machine can.
  std::optional<Departure> exited(pid_t pid, int wait_status, TimePoint now);

  /// How many processes to fork now without looking at the port: `prefork` and `babysit`.
  int to_fork(ServiceId id, TimePoint now) const;

  /// Whether to watch the port, to fork one process when a client comes.
  bool watch_port(ServiceId id, TimePoint now) const;

  /// When to_fork() or watch_port() of any service will have another answer without anything happening.
  std::optional<TimePoint> next_change(TimePoint now) const;

  Counters counters(ServiceId id) const;
  std::string label(ServiceId id) const;
  /// Living workers, of one service or of all.
  std::vector<pid_t> workers(ServiceId id) const;
  std::vector<pid_t> workers() const;

 private:
  struct Service {
    std::string label;
    Limits limits;
    bool speaks;
    bool retired = false;
    Counters counters;
    ForkRate rate;
    BackOff back_off;

    bool has_room() const { return limits.maxchild < 0 || counters.active < limits.maxchild; }
    int wanted() const;
    bool wants_port() const { return speaks && !retired && counters.ready == 0 && has_room(); }
  };
  struct Worker {
    ServiceId service;
    WorkerState state;
    TimePoint born;
    bool served = false;
    int signal = 0;    ///< the last one that master sent
    TimePoint died{};  ///< when state is DEAD
  };

  void set_state(Worker& worker, WorkerState state);
  Worker* find_or_bury(ServiceId id, pid_t pid, TimePoint now, Remarks& remarks);
  void move(Worker& worker, pid_t pid, ServiceId to, Remarks& remarks);
  void note_failure(Service& service, TimePoint now, Remarks& remarks);
  void forget_dead(TimePoint now);

  std::uint64_t next_id_ = 0;
  std::map<ServiceId, Service> services_;
  std::unordered_map<pid_t, Worker> workers_;
  TimePoint dead_checked_{};
};

}  // namespace master

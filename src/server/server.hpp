#pragma once

#include "net/event.hpp"
#include "net/listener.hpp"
#include "server/command_line.hpp"
#include "server/program_file.hpp"
#include "server/service.hpp"
#include "server/session_id.hpp"
#include "server/waiting_line.hpp"
#include "service/status.hpp"

#include <memory>
#include <unordered_set>

namespace server {

/// Why the server takes no more connections and ends once its sessions have. In the order of their force: a later one
/// replaces an earlier one.
enum class Drain {
  none,
  used_up,          ///< -U connections were taken
  idle,             ///< -T is over and nobody came
  service_removed,  ///< master shut the listener down
  master_gone,      ///< nobody reads our status pipe any more
  binary_changed,   ///< a new program file is in place
  stopped,          ///< SIGTERM, SIGINT, SIGQUIT
};

/// Makes `process.shutdown` what the files of `service` say now. Reads them on the store pool.
net::Task<void> look_for_shutdown(const Process& process, std::shared_ptr<const Service> service);

/// Takes connections from the listener and runs a session for each, all on one loop; tells master the truth about
/// whether it takes more (doc/format/service-protocol.md): ready means accepting, from fork on.
class Server {
 public:
  /// `process` and `listener` outlive the server.
  Server(const Process& process, std::shared_ptr<const Service> service, const CommandLine& line,
         net::Listener& listener, service::StatusPipe status);

  /// Accepts until it drains, waits for the sessions (all of them when used up or idle; for a bounded time
  /// otherwise), and returns why it ended.
  net::Task<Drain> run();

  /// New sessions are those of `service` from now on; those under way keep what they have.
  void reconfigure(std::shared_ptr<const Service> service) { service_ = std::move(service); }

  /// Drains when the program file is another one than at the start.
  void make_room_for_new_program();

  /// Stops accepting. `stopped` also ends the sessions, but finishes the changes of the store that they are in.
  void drain(Drain reason);

  std::size_t sessions() const { return sessions_.size(); }

 private:
  net::Task<void> accept_connections();
  net::Task<void> wait_for_room();
  net::Task<void> wait_beside_port(net::Clock::duration longest);
  void refuse_who_waits_in_vain();
  net::Task<void> let_others_accept();
  net::Task<void> wait_for_sessions();
  net::Task<void> serve(net::Accepted client);
  net::Task<void> watch_reuse();
  net::Task<void> watch_lag();
  net::Task<void> watch_certificates();
  net::Task<void> each_second();
  net::Clock::duration patience() const;
  bool full() const { return sessions_.size() >= service_->max_sessions; }
  /// True while no other process could take our place: certificates were replaced by bad ones.
  bool must_stay() const { return service_->tls && service_->tls->is_irreplaceable(); }
  bool one_at_a_time() const { return service_->max_sessions == 1; }
  void tell(service::Message message);

  const Process& process_;
  std::shared_ptr<const Service> service_;
  const CommandLine line_;
  net::Listener& listener_;
  service::StatusPipe status_;
  ProgramFile program_file_;
  WaitingLine line_outside_;
  net::Event news_;   // for run(): a session ended, or the server drains
  net::Event reuse_;  // for watch_reuse(): a session began or ended
  SessionIds ids_;
  std::unordered_set<Session*> sessions_;
  unsigned uses_ = 0;
  bool announced_available_ = true;  // as master counts us from fork on
  bool lagging_ = false;
  Drain drain_ = Drain::none;
  net::Clock::time_point give_up_ = net::Clock::time_point::max();  // sessions are cut off then
};

}  // namespace server

#pragma once

#include "net/event.hpp"
#include "net/listener.hpp"
#include "pop3d/program_file.hpp"
#include "pop3d/session.hpp"
#include "pop3d/session_id.hpp"
#include "pop3d/waiting_line.hpp"
#include "pop3d/wiring.hpp"
#include "service/status.hpp"

#include <memory>
#include <unordered_set>

namespace pop3d {

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

/// Takes connections from the listener and runs a Session for each, all on one loop; tells master the truth about
/// whether it takes more (doc/format/service-protocol.md): ready means accepting, from fork on.
class Server {
 public:
  /// `process` and `listener` outlive the server.
  Server(const Process& process, std::shared_ptr<const Configured> configured, const CommandLine& line,
         net::Listener& listener, service::StatusPipe status);

  /// Accepts until it drains, waits for the sessions (all of them when used up or idle; for a bounded time
  /// otherwise), and returns why it ended.
  net::Task<Drain> run();

  /// New sessions use `configured` from now on; those under way keep what they have.
  void reconfigure(std::shared_ptr<const Configured> configured) { configured_ = std::move(configured); }

  /// Drains when the program file is another one than at the start.
  void make_room_for_new_program();

  /// Stops accepting. `stopped` also ends the sessions, without UPDATE unless they are in it.
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
  net::Clock::duration patience() const;
  bool full() const { return sessions_.size() >= configured_->settings.max_sessions; }
  bool one_at_a_time() const { return configured_->settings.max_sessions == 1; }
  void tell(service::Message message);

  const Process& process_;
  std::shared_ptr<const Configured> configured_;
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

}  // namespace pop3d

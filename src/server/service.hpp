#pragma once

#include "net/task.hpp"
#include "net/tls_source.hpp"
#include "server/arrival.hpp"
#include "server/door_settings.hpp"
#include "server/process.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace server {

/// One client's session, as the engine sees it. A program derives its own from this.
class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  /// Serves the client to the end. Never throws; the connection is closed when it returns.
  virtual net::Task<void> serve() = 0;

  /// Ends the session soon: its reads and writes fail from now on; a change of the store that is under way is finished.
  virtual void cancel() = 0;

  /// Process::shutdown has a text from now on: the session tells it to its client as soon as no reply is under way, and
  /// ends, without having changed the store. Called again each second while the text stands.
  virtual void shut_down() {}
};

/// What one reading of the configuration made, as far as the engine needs it. Never changed: a reload makes a new one,
/// and sessions under way keep what they began with.
struct Service {
  /// Makes the session of a client that was let in; `id` is for the log. What the session needs of the
  /// configuration it holds itself; `process` outlives it.
  std::function<std::unique_ptr<Session>(const Process& process, Arrival client, std::string id)> begin;

  std::string session_id_base;             ///< what ids begin with
  std::size_t max_sessions = 1000;         ///< at least 1
  std::chrono::seconds drain_timeout{60};  ///< for sessions to end by themselves, once a reason from outside drains
  /// Where the files of ShutdownNotice are, and the name they go by; "": nobody looks for them.
  std::string shutdown_directory;
  std::string name;

  /// Called each second on a thread of the store pool, for what only needs doing now and then; may be empty.
  std::function<void()> every_second;

  std::string no_room;          ///< told to a client that nobody can serve; "": closed without a word
  std::string no_proxy_header;  ///< told to a client that should have sent a PROXY header; "": as above
  DoorSettings door;
  std::shared_ptr<net::TlsSource> tls;    ///< whose files the engine watches; null: no TLS. Without a context
                                          ///< a reload is refused, a start is not
  std::size_t store_threads = 8;          ///< read at the start only
  std::size_t auth_threads = 4;           ///< read at the start only
  std::chrono::seconds auth_timeout{30};  ///< for a step of a login; read at the start only
};

}  // namespace server

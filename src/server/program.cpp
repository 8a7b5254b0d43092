#include "server/program.hpp"

#include "net/signals.hpp"
#include "net/spawn.hpp"
#include "net/timer.hpp"
#include "net/watch.hpp"
#include "server/debug_command.hpp"
#include "server/front_door.hpp"
#include "server/server.hpp"
#include "server/set_up.hpp"
#include "server/stdio_bridge.hpp"
#include "service/environment.hpp"
#include "service/status.hpp"

#include <syslog.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <sysexits.h>
#include <unistd.h>
#include <utility>

namespace server {
namespace {

struct Setup {
  const Program& program;
  const CommandLine& line;
  const config::ImapdConf& conf;
  const base::Log& log;
  auth::Authenticator& authenticator;
  std::shared_ptr<const Service> service;
};

/// One line to syslog and to standard error, for failures before and while the process is set up.
int refuse_to_start(const Program& program, const base::Log& log, int exit_code, const std::string& text) {
  log.error(text);
  std::fprintf(stderr, "%s: %s\n", std::string(program.name()).c_str(), base::printable(text).c_str());
  return exit_code;
}

/// The loop and what belongs to it. Built after all privileges are dropped: it starts threads.
class Runtime {
 public:
  explicit Runtime(const Setup& setup)
      : store_pool_(loop_, setup.service->store_threads, "store"),
        auth_pool_(loop_, setup.service->auth_threads, "auth"),
        auth_queue_(loop_, auth_pool_, setup.service->auth_threads, setup.service->auth_timeout),
        names_(loop_),
        access_(loop_),
        process_{loop_, setup.log, setup.authenticator, store_pool_, auth_queue_, names_, access_, crowd_, shutdown_} {
    const Service& service = *setup.service;
    if (!service.shutdown_directory.empty()) {
      shutdown_.set(read_shutdown_file(service.shutdown_directory, service.name));
    }
  }

  net::Loop& loop() { return loop_; }
  const Process& process() const { return process_; }

  /// Ends the process at once when threads hang in a password back end: nobody can wait for them, and all sessions are
  /// over.
  void end_if_stuck(int exit_code) const {
    if (auth_queue_.lost() == 0) return;
    process_.log.warning("ending with " + std::to_string(auth_queue_.lost()) + " password checks unanswered");
    ::_exit(exit_code);
  }

 private:
  net::Loop loop_{1};
  net::WorkerPool store_pool_;
  net::WorkerPool auth_pool_;
  AuthQueue auth_queue_;
  ClientNames names_;
  HostAccess access_;
  Crowd crowd_;
  ShutdownNotice shutdown_;
  Process process_;
};

net::Task<void> watch_shutdown_of(Runtime& runtime, const Setup& setup, Session& session) {
  for (;;) {
    co_await net::sleep_for(std::chrono::seconds(kShutdownLookSeconds));
    co_await look_for_shutdown(runtime.process(), setup.service);
    if (runtime.process().shutdown.text() != nullptr) session.shut_down();
  }
}

net::Task<void> serve_one(Runtime& runtime, const Setup& setup, net::Accepted client) {
  SessionIds ids;
  const auto session = std::make_unique<FrontDoor>(runtime.process(), setup.service, std::move(client),
                                                   ids.next(setup.service->session_id_base));
  net::spawn(runtime.loop(), watch_shutdown_of(runtime, setup, *session));  // the loop ends before the session goes
  co_await session->serve();
  runtime.loop().stop();
}

int serve_stdio(const Setup& setup) {
  auto bridge = StdioBridge::open();
  if (!bridge) return refuse_to_start(setup.program, setup.log, EX_IOERR, bridge.error().text);
  auto socket = bridge->take_socket();
  auto peer = net::peer_of(socket.value());
  auto local = net::local_of(socket.value());
  {
    Runtime runtime(setup);
    net::Accepted client(std::move(socket), std::move(peer), std::move(local));
    net::spawn(runtime.loop(), serve_one(runtime, setup, std::move(client)));
    runtime.loop().run();
    if (runtime.process().auth_queue.lost() > 0) bridge->finish();
    runtime.end_if_stuck(EX_OK);
  }
  bridge->finish();
  return EX_OK;
}

base::Result<std::shared_ptr<const Service>> configured(const Program& program, const config::ImapdConf& conf,
                                                        const base::Log& log) {
  auto service = program.configure(conf, log);
  if (!service) return tl::unexpected(service.error());
  return std::make_shared<const Service>(std::move(*service));
}

// A reload that fails leaves everything as it was: the old configuration is known to work.
net::Task<void> reload(Runtime& runtime, const Setup& setup, Server& server) {
  auto work = [&setup]() -> base::Result<std::shared_ptr<const Service>> {
    auto conf = config::ImapdConf::load(setup.line.config_file, setup.conf.service());
    if (!conf) return tl::unexpected(conf.error());
    return configured(setup.program, *conf, setup.log);
  };
  auto service = co_await runtime.process().store_pool.run(std::move(work));
  const std::string trouble = !service                                         ? service.error().text
                              : (*service)->tls && !(*service)->tls->context() ? (*service)->tls->trouble()
                                                                               : "";
  if (!trouble.empty()) {
    setup.log.error("reload refused, the old configuration stays: " + trouble);
    co_return;
  }
  server.reconfigure(std::move(*service));
  setup.log.notice("configuration and certificates reloaded");
}

net::Task<void> handle_signals(Runtime& runtime, const Setup& setup, Server& server) {
  net::Signals signals(runtime.loop(), {SIGHUP, SIGTERM, SIGINT, SIGQUIT});
  release_signals();
  for (;;) {
    const int signal = co_await signals.next();
    if (signal == SIGHUP) {
      server.make_room_for_new_program();
      co_await reload(runtime, setup, server);
    } else {
      setup.log.info("graceful shutdown");
      server.drain(Drain::stopped);
    }
  }
}

net::Task<void> watch_master(Runtime& runtime, const Setup& setup, Server& server) {
  co_await net::wait_for_hangup(runtime.loop(), service::kStatusFd);
  setup.log.warning("master is gone: no more connections are taken");
  server.drain(Drain::master_gone);
}

net::Task<void> run_server(Runtime& runtime, Server& server, Drain& outcome) {
  outcome = co_await server.run();
  runtime.loop().stop();
}

int serve_port(const Setup& setup) {
  service::announce_fatal_signals(service::kStatusFd);
  Runtime runtime(setup);
  net::Listener listener(runtime.loop(), base::UniqueFd(service::kListenFd));
  Server server(runtime.process(), setup.service, setup.line, listener, service::StatusPipe(service::kStatusFd));
  Drain outcome = Drain::none;
  net::spawn(runtime.loop(), handle_signals(runtime, setup, server));
  net::spawn(runtime.loop(), watch_master(runtime, setup, server));
  net::spawn(runtime.loop(), run_server(runtime, server, outcome));
  runtime.loop().run();
  const int exit_code = outcome == Drain::stopped ? EX_TEMPFAIL : EX_OK;
  runtime.end_if_stuck(exit_code);
  return exit_code;
}

/// -D, before there are sockets, threads or secrets.
void debug(const config::ImapdConf& conf, std::string_view invoked_as, bool stdio, const base::Log& log) {
  const auto option = conf.text(config::Option::debug_command);
  if (!option || option->empty()) return;
  const auto command = expand_debug_command(*option, invoked_as, ::getpid(), conf.service());
  if (!command) return log.error("-D: " + command.error().text);
  run_debug_command(*command, stdio, log);
}

int start(Program& program, const std::string& invoked_as, std::span<const char* const> arguments) {
  hold_signals();
  const std::string name =
      std::filesystem::path(invoked_as).filename();  // or pop3proxyd, for a log that tells them apart
  const base::Log early(base::syslog_sink({.ident = name, .facility = "user", .debug = false, .to_stderr = false}));
  const auto line = program.read_command_line(arguments);
  if (!line) {
    return refuse_to_start(program, early, EX_USAGE, line.error() + "; " + base::usage_line(name, program.switches()));
  }

  const bool stdio = line->stdio || (std::getenv("CYRUS_SERVICE") == nullptr && stdin_is_connection());
  auto environment = service::read_environment();
  if (!environment) {
    if (!stdio) return refuse_to_start(program, early, EX_SOFTWARE, environment.error().text);
    environment.emplace();
    environment->name = program.service_name();
  }

  const auto conf = config::ImapdConf::load(line->config_file, environment->name);
  if (!conf) return refuse_to_start(program, early, EX_CONFIG, conf.error().text);
  const base::Log log = open_log(*conf, environment->name);
  // A file that serves all of Cyrus names many options that mean nothing here: not worth a warning at each start.
  for (const std::string& warning : conf->warnings()) log.info(warning);
  for (const std::string& operand : line->ignored) log.warning("operand without meaning ignored: " + operand);

  set_umask(*conf);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of one message, as a full disk is
  if (const auto user = drop_privileges(*conf); !user) {
    return refuse_to_start(program, log, EX_USAGE, user.error().text);
  }
  raise_descriptor_limit();
  if (line->run_debug_command) debug(*conf, invoked_as, stdio, log);

  auto service = configured(program, *conf, log);
  if (!service) return refuse_to_start(program, log, EX_CONFIG, service.error().text);
  // What needs no TLS goes on without it: a renewal that went wrong must not take the whole service along.
  if (const auto& tls = (*service)->tls; tls && !tls->context()) {
    log.error("TLS: not available until its files are good: " + tls->trouble());
  }
  auto authenticator = auth::Authenticator::create(*conf, log);
  if (!authenticator) return refuse_to_start(program, log, EX_CONFIG, authenticator.error().text);

  const Setup setup{program, *line, *conf, log, **authenticator, std::move(*service)};
  if (stdio) release_signals();
  return stdio ? serve_stdio(setup) : serve_port(setup);
}

}  // namespace

int run(Program& program, int argc, char** argv) {
  try {
    const std::string invoked_as(argc > 0 ? argv[0] : std::string(program.name()));
    const std::span<const char* const> words(const_cast<const char* const*>(argv), static_cast<std::size_t>(argc));
    return start(program, invoked_as, words.subspan(words.empty() ? 0 : 1));
  } catch (const std::exception& error) {
    ::syslog(LOG_ERR, "cannot go on: %s", error.what());
    std::fprintf(stderr, "%s: cannot go on: %s\n", std::string(program.name()).c_str(), error.what());
    return EX_SOFTWARE;
  }
}

}  // namespace server

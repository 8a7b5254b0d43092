// pop3d(8): the POP3 sessions that the engine in server/ runs.

#include "pop3/reply.hpp"
#include "pop3d/command_line.hpp"
#include "pop3d/session.hpp"
#include "pop3d/telemetry.hpp"
#include "pop3d/wiring.hpp"
#include "server/program.hpp"

#include <memory>
#include <string>
#include <utility>

namespace pop3d {
namespace {

class Pop3d final : public server::Program {
 public:
  std::string_view name() const override { return "pop3d"; }
  base::SwitchTable switches() const override { return pop3d::switches(); }
  std::string service_name() const override { return line_.implicit_tls ? "pop3s" : "pop3"; }

  tl::expected<server::CommandLine, std::string> read_command_line(std::span<const char* const> arguments) override {
    auto line = parse_command_line(arguments);
    if (!line) return tl::unexpected(line.error());
    line_ = std::move(*line);
    return line_;
  }

  base::Result<server::Service> configure(const config::ImapdConf& conf, const base::Log& log) const override {
    auto made = pop3d::configure(conf, line_, log);
    if (!made) return tl::unexpected(made.error());
    const Settings& settings = (*made)->settings;
    server::Service service;
    service.session_id_base = settings.session_id_base;
    service.max_sessions = settings.max_sessions;
    service.name = settings.service;
    service.shutdown_directory = settings.shutdown_directory;
    auto door = server::door_settings(conf, line_.proxy_header);
    if (!door) return tl::unexpected(door.error());
    service.door = std::move(*door);
    service.tls = (*made)->tls;
    service.drain_timeout = settings.drain_timeout;
    service.store_threads = settings.store_threads;
    service.auth_threads = settings.auth_threads;
    service.auth_timeout = settings.auth_timeout;
    // Under implicit TLS there is no way to say anything before the handshake.
    if (!settings.implicit_tls) {
      service.no_room = pop3::err("[SYS/TEMP] Too many connections: try again later").text;
      service.no_proxy_header = pop3::err("[SYS/PERM] Fatal error: unable to read HAProxy protocol header").text;
    }
    if ((*made)->logins) {
      service.every_second = [configured = *made] { configured->logins->refresh(); };
    }
    service.begin = [configured = std::move(*made), telemetry = telemetry_.get()](
                        const server::Process& process, server::Arrival client,
                        std::string id) -> std::unique_ptr<server::Session> {
      return std::make_unique<Session>(process, configured, *telemetry, std::move(client), std::move(id));
    };
    return service;
  }

 private:
  CommandLine line_;
  const std::unique_ptr<TelemetryWriter> telemetry_ = std::make_unique<TelemetryWriter>();  // outlives the sessions
};

}  // namespace
}  // namespace pop3d

int main(int argc, char** argv) {
  pop3d::Pop3d program;
  return server::run(program, argc, argv);
}

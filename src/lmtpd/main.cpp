// lmtpd(8): the LMTP sessions that the engine in server/ runs.

#include "cyrus/message_intake.hpp"
#include "lmtp/reply.hpp"
#include "lmtpd/command_line.hpp"
#include "lmtpd/session.hpp"
#include "lmtpd/wiring.hpp"
#include "server/program.hpp"

#include <memory>
#include <string>
#include <utility>

namespace lmtpd {
namespace {

class Lmtpd final : public server::Program {
 public:
  std::string_view name() const override { return "lmtpd"; }
  base::SwitchTable switches() const override { return lmtpd::switches(); }
  std::string service_name() const override { return "lmtp"; }

  tl::expected<server::CommandLine, std::string> read_command_line(std::span<const char* const> arguments) override {
    auto line = parse_command_line(arguments);
    if (!line) return tl::unexpected(line.error());
    line_ = std::move(*line);
    return line_;
  }

  base::Result<server::Service> configure(const config::ImapdConf& conf, const base::Log& log) const override {
    auto made = lmtpd::configure(conf, line_, log);
    if (!made) return tl::unexpected(made.error());
    const auto stale = cyrus::remove_stale_stage_files((*made)->store);
    if (stale > 0) log.notice("removed " + std::to_string(stale) + " stage files of processes that are gone");
    const Settings& settings = (*made)->settings;
    server::Service service;
    auto door = server::door_settings(conf, line_.proxy_header);
    if (!door) return tl::unexpected(door.error());
    service.door = std::move(*door);
    service.tls = (*made)->tls;
    service.session_id_base = settings.session_id_base;
    service.shutdown_directory = settings.shutdown_directory;
    service.name = settings.service;
    service.max_sessions = settings.max_sessions;
    service.drain_timeout = settings.drain_timeout;
    service.store_threads = settings.store_threads;
    service.auth_threads = settings.auth_threads;
    service.auth_timeout = settings.auth_timeout;
    service.no_room = lmtp::closing("Too many connections: try again later").text;
    service.no_proxy_header = lmtp::closing("No PROXY header").text;
    service.begin = [configured = std::move(*made)](const server::Process& process, server::Arrival client,
                                                    std::string id) -> std::unique_ptr<server::Session> {
      return std::make_unique<Session>(process, configured, std::move(client), std::move(id));
    };
    return service;
  }

 private:
  CommandLine line_;
};

}  // namespace
}  // namespace lmtpd

int main(int argc, char** argv) {
  lmtpd::Lmtpd program;
  return server::run(program, argc, argv);
}

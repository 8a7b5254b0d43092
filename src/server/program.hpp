#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/switch_spec.hpp"
#include "config/imapd_conf.hpp"
#include "server/command_line.hpp"
#include "server/service.hpp"

#include <tl/expected.hpp>

#include <span>
#include <string>
#include <string_view>

namespace server {

/// What makes a service program of the engine: pop3d and lmtpd each derive one, and their main() is one line.
class Program {
 public:
  Program() = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  virtual ~Program() = default;

  /// "pop3d".
  virtual std::string_view name() const = 0;
  /// Its options, for the usage line.
  virtual base::SwitchTable switches() const = 0;

  /// Reads the arguments behind argv[0]; called once, before all that follows. The error is one line for standard error
  /// and syslog.
  virtual tl::expected<CommandLine, std::string> read_command_line(std::span<const char* const> arguments) = 0;

  /// The service's name in cyrus.conf(5) when no master gives one.
  virtual std::string service_name() const = 0;

  /// Makes what sessions need of the configuration. Blocks on disk; at a reload it runs on a thread of the store pool.
  /// Errors name the file or the option.
  virtual base::Result<Service> configure(const config::ImapdConf& conf, const base::Log& log) const = 0;
};

/// The whole life of the process: command line, imapd.conf(5), the Cyrus user, then the port that master(8) handed down
/// or the one connection on standard input. Returns the exit code (sysexits(3)); never throws.
int run(Program& program, int argc, char** argv);

}  // namespace server

// master(8): from the command line to a loop that serves, in the order that Cyrus keeps. Whatever needs root (START
// commands, low ports, the pid file) comes before the change of user; nothing after it is root.

#include "base/log.hpp"
#include "base/unique_fd.hpp"
#include "config/cyrus_conf.hpp"
#include "config/imapd_conf.hpp"
#include "master/command_line.hpp"
#include "master/master_loop.hpp"
#include "master/pid_file.hpp"
#include "master/plan.hpp"
#include "master/process_setup.hpp"
#include "master/signals.hpp"
#include "service/privileges.hpp"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sysexits.h>
#include <unistd.h>
#include <vector>

namespace master {
namespace {

using config::Option;

/// Standard error as it was at the start, for what goes wrong before master is ready: afterwards it is /dev/null.
class Console {
 public:
  Console() : fd_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) {}
  void say(std::string_view line) const {
    if (fd_) ::dprintf(fd_.value(), "master: %.*s\n", static_cast<int>(line.size()), line.data());
  }
  void close() { fd_.reset(); }

 private:
  base::UniqueFd fd_;
};

base::Log::Sink make_sink(const base::SyslogOptions& options, const std::shared_ptr<Console>& console) {
  auto syslog = base::syslog_sink(options);
  if (options.to_stderr) return syslog;
  return [syslog = std::move(syslog), console](base::Severity severity, std::string_view line) {
    syslog(severity, line);
    if (severity <= base::Severity::warning) console->say(line);
  };
}

base::SyslogOptions log_options(const CommandLine& line, const config::ImapdConf& conf) {
  base::SyslogOptions options;
  const auto prefix = conf.text(Option::syslog_prefix);
  options.ident = prefix && !prefix->empty() ? std::string(*prefix) + "/master" : "master";
  options.debug = line.verbose || conf.is_on(Option::debug);
  options.to_stderr = line.keep_output;
  return options;
}

std::string file_name(const std::optional<std::string>& given, const config::ImapdConf& conf, Option option) {
  if (given) return *given;
  return std::string(conf.text(option).value_or(""));
}

int exit_status_of(const base::Error& error) {
  switch (error.code) {
    case base::Errc::invalid:
    case base::Errc::not_found:
      return EX_CONFIG;
    default:
      return EX_OSERR;
  }
}

/// Everything behind the reading of imapd.conf. Returns the exit status.
class Startup {
 public:
  Startup(const CommandLine& line, const config::ImapdConf& conf, const base::Log& log, int null_fd, Launch launch,
          std::shared_ptr<Console> console)
      : line_(line),
        conf_(conf),
        log_(log),
        null_fd_(null_fd),
        launch_(std::move(launch)),
        console_(std::move(console)) {}

  int run() {
    const int status = serve();
    launch_.report(status);
    return status;
  }

 private:
  int fatal(const base::Error& error) const { return fatal(error.text, exit_status_of(error)); }
  int fatal(const std::string& text, int status) const {
    log_.critical(text);
    log_.notice("exiting");
    return status;
  }

  base::Result<Plan> read_plan() const {
    const auto conf = config::CyrusConf::load(line_.cyrus_conf);
    if (!conf) return tl::unexpected<base::Error>(conf.error());
    auto plan = make_plan(*conf, folders_);
    if (!plan) plan.error().text = "configuration file " + line_.cyrus_conf + ": " + plan.error().text;
    return plan;
  }

  int serve() {
    for (const std::string& warning : conf_.warnings()) log_.info(warning);
    const bool is_root = ::geteuid() == 0;
    std::optional<service::Identity> identity;
    if (is_root) {
      auto found = service::find_identity(conf_.text(Option::cyrus_user), conf_.text(Option::cyrus_group));
      if (!found) return fatal(found.error());
      identity = std::move(*found);
    }
    auto signals = SignalSource::open();
    if (!signals) return fatal(signals.error());
    const auto pid_file = PidFile::create(file_name(line_.pid_file, conf_, Option::master_pid_file));
    if (!pid_file) return fatal(pid_file.error().text, EX_OSERR);
    log_.debug("process started");

    const auto plan = read_plan();
    if (!plan) return fatal(plan.error().text, EX_CONFIG);
    for (const std::string& warning : plan->warnings) log_.warning(warning);
    if (!line_.keep_output || line_.output_file) {
      if (auto done = redirect_standard_descriptors(null_fd_, line_.output_file); !done) return fatal(done.error());
    }

    LoopSettings settings;
    settings.listen.backlog = line_.backlog;
    settings.listen.type_of_service = type_of_service(conf_.choice(Option::qosmarking));
    settings.shutdown_limit = line_.shutdown_limit;
    settings.null_fd = null_fd_;
    MasterLoop loop(settings, *signals, log_, [this] { return read_plan(); });
    return start(loop, *plan, identity);
  }

  int start(MasterLoop& loop, const Plan& plan, const std::optional<service::Identity>& identity) {
    if (auto started = loop.run_start(plan.start); !started) {
      if (started.error().code == base::Errc::closed) return EX_OK;
      return fatal(started.error().text, 1);
    }
    const std::size_t failures = loop.open(plan);
    if (failures > 0 && conf_.is_on(Option::master_bind_errors_fatal)) {
      return fatal("a service could not be bound and master_bind_errors_fatal is set", EX_OSERR);
    }
    if (!plan.services.empty() && loop.listeners() == 0) return fatal("no service could be bound", EX_OSERR);
    if (plan.services.empty()) log_.warning(line_.cyrus_conf + " has no services");

    if (identity) {
      if (auto changed = service::become(*identity); !changed) return fatal(changed.error().text, EX_OSERR);
    }
    if (line_.background) enter_configuration_directory();
    const std::string ready_path = file_name(line_.ready_file, conf_, Option::master_ready_file);
    auto ready = ReadyFile::create(ready_path);
    // Whoever waits for the file waits in vain, but the mail service can do without it.
    if (!ready) log_.error(ready.error().text);
    log_.debug("ready for work");
    console_->close();
    launch_.report(EX_OK);
    loop.run();
    return EX_OK;
  }

  // Where a core dump may go.
  void enter_configuration_directory() const {
    const std::string folder(conf_.text(Option::configdirectory).value_or("/"));
    if (::chdir(folder.c_str()) != 0) {
      log_.warning(base::system_error("chdir " + folder, errno).text);
      return;
    }
    // A site that wants core dumps makes the folder; others have none.
    [[maybe_unused]] const int result = ::chdir("cores");
  }

  const CommandLine& line_;
  const config::ImapdConf& conf_;
  const base::Log& log_;
  int null_fd_;
  Launch launch_;
  std::shared_ptr<Console> console_;
  const std::vector<std::filesystem::path> folders_ = program_folders();
};

int run(const std::vector<std::string>& arguments) {
  const auto line = parse_command_line(arguments);
  if (!line) {
    std::fprintf(stderr, "master: %s\n", base::printable(line.error().text).c_str());
    if (line.error().errnum == EX_USAGE) std::fputs(usage().c_str(), stderr);
    return line.error().errnum;
  }
  if (line->version) {
    std::puts("pillarbox master " PILLARBOX_VERSION);
    return EX_OK;
  }

  auto reserved = take_over_descriptors();
  if (!reserved) {
    std::fprintf(stderr, "master: %s\n", reserved.error().text.c_str());
    return EX_OSERR;
  }
  const auto console = std::make_shared<Console>();
  Launch launch;
  if (line->background) {
    auto launched = Launch::into_background();
    if (!launched) {
      console->say(launched.error().text);
      return EX_OSERR;
    }
    launch = std::move(*launched);
  }

  const auto conf = config::ImapdConf::load(line->imapd_conf, "master");
  if (!conf) {
    base::SyslogOptions options{"master", "user"};
    options.to_stderr = line->keep_output;
    const base::Log log(make_sink(options, console));
    log.critical(conf.error().text);
    launch.report(EX_CONFIG);
    return EX_CONFIG;
  }
  const base::Log log(make_sink(log_options(*line, *conf), console));
  return Startup(*line, *conf, log, reserved->null.value(), std::move(launch), console).run();
}

}  // namespace
}  // namespace master

int main(int argc, char** argv) {
  try {
    return master::run(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "master: %s\n", error.what());
    return EX_OSERR;
  }
}

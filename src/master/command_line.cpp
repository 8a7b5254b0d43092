#include "master/command_line.hpp"

#include <array>
#include <charconv>
#include <string_view>
#include <sysexits.h>
#include <system_error>

namespace master {
namespace {

using base::Errc;

tl::unexpected<base::Error> refuse(std::string text, int exit_status = EX_USAGE) {
  return tl::unexpected<base::Error>(base::Error{Errc::invalid, std::move(text), exit_status});
}

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

base::Result<int> positive(char option, std::string_view text) {
  const auto value = whole_number(text);
  if (!value || *value < 1) return refuse(std::string("-") + option + ": not a positive number: " + std::string(text));
  return *value;
}

base::Result<void> apply_flag(CommandLine& line, char option) {
  switch (option) {
    case 'd':
      line.background = true;
      return {};
    case 'D':
      line.keep_output = true;
      return {};
    case 'v':
      line.verbose = true;
      return {};
    case 'V':
      line.version = true;
      return {};
    default:
      return refuse(std::string("unknown option -") + option);
  }
}

base::Result<void> apply_value(CommandLine& line, char option, const std::string& value) {
  if (option == 'j') {
    const auto sweeps = whole_number(value);
    if (!sweeps || *sweeps < 1) return refuse("The janitor period must be at least 1 second", EX_CONFIG);
    return {};
  }
  if (option == 'l' || option == 't') {
    const auto number = positive(option, value);
    if (!number) return tl::unexpected<base::Error>(number.error());
    if (option == 'l') line.backlog = *number;
    if (option == 't') line.shutdown_limit = std::chrono::seconds(*number);
    return {};
  }
  if (value.empty()) return refuse(std::string("-") + option + ": empty file name");
  switch (option) {
    case 'C':
      line.imapd_conf = value;
      break;
    case 'M':
      line.cyrus_conf = value;
      break;
    case 'p':
      line.pid_file = value;
      break;
    case 'r':
      line.ready_file = value;
      break;
    case 'L':
      line.output_file = value;
      break;
    default:
      break;
  }
  return {};
}

constexpr std::array kSwitches{
    base::SwitchSpec{'C', "file",
                     "The imapd.conf(5) of master itself; services read their own. The default is /etc/imapd.conf."},
    base::SwitchSpec{'M', "file", "What to run, cyrus.conf(5). The default is /etc/cyrus.conf."},
    base::SwitchSpec{'p', "file", "The file for the process id. The default is the option master_pid_file."},
    base::SwitchSpec{'r', "file",
                     "The file that exists while master is ready. The default is the option master_ready_file."},
    base::SwitchSpec{'l', "number", "How many connections may wait on a port until a service takes them; 32."},
    base::SwitchSpec{'t', "seconds",
                     "How long a shutdown may take before what is left is killed; 30. An option of Pillarbox: Cyrus "
                     "waits for ever."},
    base::SwitchSpec{'d', "", "Go into the background, and return when everything is ready."},
    base::SwitchSpec{'D', "",
                     "Stay in the foreground with standard input, output and error open, also for the services. Log "
                     "lines of master go to standard error too."},
    base::SwitchSpec{'L', "file", "Append standard output and standard error to this file."},
    base::SwitchSpec{'j', "number",
                     "Accepted for compatibility. It must be 1 or more, and has no effect: there is no janitor."},
    base::SwitchSpec{'v', "", "Log debug lines."},
    base::SwitchSpec{'V', "", "Print the version and exit."},
};

// One argument may hold several flags, and a value may follow its letter directly, as with getopt(3).
base::Result<void> apply_argument(CommandLine& line, const std::vector<std::string>& arguments, std::size_t& at) {
  const std::string& argument = arguments[at];
  for (std::size_t i = 1; i < argument.size(); ++i) {
    const char option = argument[i];
    const base::SwitchSpec* const spec = base::find_switch(kSwitches, option);
    if (spec == nullptr || spec->value.empty()) {
      if (auto applied = apply_flag(line, option); !applied) return applied;
      continue;
    }
    if (i + 1 < argument.size()) return apply_value(line, option, argument.substr(i + 1));
    if (at + 1 >= arguments.size()) return refuse(std::string("-") + option + " needs a value");
    return apply_value(line, option, arguments[++at]);
  }
  return {};
}

}  // namespace

base::Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments) {
  CommandLine line;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    if (arguments[at].size() < 2 || arguments[at].front() != '-') {
      return refuse("not an option: " + arguments[at]);
    }
    if (auto applied = apply_argument(line, arguments, at); !applied) {
      return tl::unexpected<base::Error>(std::move(applied.error()));
    }
  }
  if (line.background && line.keep_output) return refuse("Unable to be both debug and daemon mode");
  return line;
}

base::SwitchTable switches() { return kSwitches; }

std::string usage() { return base::usage_text("master", kSwitches); }

}  // namespace master

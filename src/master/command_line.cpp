#include "master/command_line.hpp"

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

constexpr std::string_view kWithValue = "CMprLljt";

// One argument may hold several flags, and a value may follow its letter directly, as with getopt(3).
base::Result<void> apply_argument(CommandLine& line, const std::vector<std::string>& arguments, std::size_t& at) {
  const std::string& argument = arguments[at];
  for (std::size_t i = 1; i < argument.size(); ++i) {
    const char option = argument[i];
    if (kWithValue.find(option) == std::string_view::npos) {
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

std::string usage() {
  return "usage: master [-dDvV] [-C imapd.conf] [-M cyrus.conf] [-p pidfile] [-r readyfile] [-L file]\n"
         "              [-l backlog] [-j sweeps] [-t seconds]\n"
         "  -C file     configuration of master itself (/etc/imapd.conf)\n"
         "  -M file     what to run (/etc/cyrus.conf)\n"
         "  -p file     file with the process id (option master_pid_file)\n"
         "  -r file     file that exists while master is ready (option master_ready_file)\n"
         "  -l n        connections that may wait on a port (32)\n"
         "  -t seconds  time that a shutdown may take before what is left is killed (30)\n"
         "  -d          run in the background; return when ready\n"
         "  -D          stay in the foreground with standard input, output and error open\n"
         "  -L file     standard output and error go to the end of this file\n"
         "  -j n        accepted for compatibility\n"
         "  -v          log debug lines\n"
         "  -V          print the version\n";
}

}  // namespace master

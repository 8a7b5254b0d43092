// pillarbox config: will this configuration work, and how differently from Cyrus?

#include "tools/pillarbox/certificate_check.hpp"
#include "tools/pillarbox/commands.hpp"
#include "tools/pillarbox/config_check.hpp"
#include "tools/pillarbox/console.hpp"
#include "tools/pillarbox/exit_status.hpp"
#include "tools/pillarbox/site.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <ctime>
#include <unistd.h>

namespace tools {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

std::string_view name_of(Level level) {
  constexpr std::array<std::string_view, 3> kNames{"error", "warning", "note"};
  return kNames[static_cast<std::size_t>(level)];
}

void report(const Findings& findings, const fs::path& conf_file, bool json, Console& console) {
  if (json) {
    auto list = nlohmann::json::array();
    for (const Finding& finding : findings) {
      list.push_back({{"severity", name_of(finding.level)}, {"text", finding.text}});
    }
    console.json({{"file", conf_file.native()}, {"findings", std::move(list)}});
    return;
  }
  std::array<std::size_t, 3> counts{};
  for (const Finding& finding : findings) {
    ++counts[static_cast<std::size_t>(finding.level)];
    console.line(std::string(name_of(finding.level)) + ": " + finding.text);
  }
  std::string line = conf_file.native() + ":";
  for (const Level level : {Level::error, Level::warning, Level::note}) {
    const std::size_t count = counts[static_cast<std::size_t>(level)];
    line += (level == Level::error ? " " : ", ") + std::to_string(count) + ' ' + std::string(name_of(level)) +
            (count == 1 ? "" : "s");
  }
  console.line(line);
}

/// The cyrus.conf to look at: the named one, else the one beside imapd.conf, which for /etc/imapd.conf is the default.
fs::path cyrus_conf_of(const Arguments& arguments) {
  if (arguments.has("M")) return arguments.value("M");
  return arguments.conf_file.parent_path() / "cyrus.conf";
}

base::Result<int> run_config_check(const Arguments& arguments, Console& console) {
  Findings findings;
  const fs::path cyrus_conf = cyrus_conf_of(arguments);
  const auto services = config::CyrusConf::load(cyrus_conf);
  const auto conf = config::ImapdConf::load(arguments.conf_file, "");
  if (!conf) {
    findings.push_back(Finding{Level::error, conf.error().text});
  } else {
    // As the Cyrus user: what it cannot read or write, no service can.
    if (const auto done = become_cyrus_user(*conf); !done) {
      findings.push_back(Finding{Level::error, done.error().text});
    }
    std::vector<std::string> names;
    if (services) {
      for (const auto& service : services->services) names.push_back(service.name);
    }
    check_lines(*conf, names, findings);
    check_places(*conf, findings);
    check_certificates(*conf, std::time(nullptr), findings);
    check_sasl(*conf, findings);
    check_differences(*conf, findings);
  }
  if (services) {
    check_services(*services, arguments.conf_file, findings);
  } else if (arguments.has("M") || services.error().code != base::Errc::not_found) {
    findings.push_back(Finding{Level::error, services.error().text});
  } else {
    findings.push_back(Finding{Level::note, cyrus_conf.native() + ": is not there; -M names another"});
  }
  report(findings, arguments.conf_file, arguments.has("json"), console);
  const bool failed = std::ranges::any_of(findings, [](const Finding& f) { return f.level == Level::error; });
  return failed ? kProblemsFound : kAllWell;
}

}  // namespace

std::vector<Command> config_commands() {
  return {
      {"config check",
       {},
       "check imapd.conf and cyrus.conf before a start or a swap",
       "Checks a configuration as the services would read it: wrong lines, unknown and deprecated options, "
       "certificates and keys (unreadable, expired, not belonging together), directories that are missing or cannot "
       "be written, password checks, programs of cyrus.conf; and tells with which settings the store is not written "
       "to, and what of the options that are set behaves otherwise than under Cyrus. Changes nothing. Run as root, it "
       "looks with the eyes of the Cyrus user. Exit status 1: there are errors; warnings and notes alone are 0.",
       {{"", "FILE", "cyrus.conf(5) to check (default: cyrus.conf beside imapd.conf)", 'M'},
        {"json", "", "print one JSON document: file, findings (severity, text)"}},
       {{"config check", "the configuration in /etc"},
        {"-C /etc/imapd.conf.new config check -M /etc/cyrus.conf", "before a change is made"}},
       &run_config_check}};
}

}  // namespace tools

#include "tools/pillarbox/config_check.hpp"

#include "base/result.hpp"
#include "cyrus/store_config.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace tools {
namespace {

namespace fs = std::filesystem;
using config::Option;
using Level = Finding::Level;

void add(Findings& findings, Level level, std::string text) { findings.push_back(Finding{level, std::move(text)}); }

std::string reason(int errnum) { return base::system_error("", errnum).text.substr(2); }

/// A directory that must be there, to be read and entered, and written with `write`.
void check_directory(std::string_view option, const fs::path& directory, bool write, Findings& findings) {
  const std::string what = std::string(option) + ": " + directory.native() + ": ";
  struct stat status = {};
  if (::stat(directory.c_str(), &status) != 0) return add(findings, Level::error, what + reason(errno));
  if (!S_ISDIR(status.st_mode)) return add(findings, Level::error, what + "not a directory");
  if (::access(directory.c_str(), write ? R_OK | W_OK | X_OK : R_OK | X_OK) != 0) {
    add(findings, Level::error, what + (write ? "cannot be written: " : "cannot be read: ") + reason(errno));
  }
}

/// A directory that is made when it is needed: what is there of its path must allow that.
void check_place(std::string_view option, const fs::path& directory, Findings& findings) {
  fs::path place = directory.lexically_normal();
  if (place.filename().empty()) place = place.parent_path();
  struct stat status = {};
  while (::stat(place.c_str(), &status) != 0 && errno == ENOENT && place.has_relative_path())
    place = place.parent_path();
  if (::access(place.c_str(), W_OK | X_OK) == 0) return;
  const int errnum = errno;
  add(findings, Level::error,
      std::string(option) + ": " + directory.native() + ": " + place.native() +
          " cannot be written: " + reason(errnum));
}

std::optional<fs::path> path_of(const config::ImapdConf& conf, Option option) {
  const auto text = conf.text(option);
  if (!text || text->empty()) return std::nullopt;
  return fs::path(*text);
}

bool is_unknown_option(const std::string& warning) { return warning.find(": unknown option ") != std::string::npos; }

}  // namespace

void check_lines(const config::ImapdConf& conf, const std::vector<std::string>& services, Findings& findings) {
  std::vector<std::string> warnings = conf.warnings();
  std::map<std::string, std::size_t> unknown;  // how many readers do not know an option
  for (const std::string& warning : warnings) {
    if (is_unknown_option(warning)) unknown[warning] = 1;
  }
  std::set<std::string> names(services.begin(), services.end());
  std::size_t readers = 1;
  for (const std::string& service : names) {
    const auto own = config::ImapdConf::load(conf.file(), service);
    if (!own) {
      add(findings, Level::error, "service " + service + ": " + own.error().text);
      continue;
    }
    ++readers;
    for (const std::string& warning : own->warnings()) {
      if (is_unknown_option(warning)) {
        ++unknown[warning];
      } else if (std::ranges::find(warnings, warning) == warnings.end()) {
        warnings.push_back(warning);
      }
    }
  }
  for (const std::string& warning : warnings) {
    // SERVICE_option is unknown to all but that service.
    if (is_unknown_option(warning) && unknown[warning] < readers) continue;
    add(findings, Level::warning, warning);
  }
}

void check_places(const config::ImapdConf& conf, Findings& findings) {
  if (::access(conf.file().c_str(), R_OK) != 0) {
    add(findings, Level::error, conf.file().native() + ": cannot be read by the Cyrus user: " + reason(errno));
  }
  const auto store = cyrus::store_config(conf);
  if (!store) return add(findings, Level::error, store.error().text);
  const bool write = !store->read_only;
  check_directory("configdirectory", store->config_directory, true, findings);
  const std::pair<std::string_view, const cyrus::StoreConfig::Roots*> families[] = {
      {"partition-", &store->partitions},
      {"metapartition-", &store->metapartitions},
      {"archivepartition-", &store->archive_partitions}};
  for (const auto& [prefix, roots] : families) {
    for (const auto& [name, root] : *roots) check_directory(std::string(prefix) + name, root, write, findings);
  }
  for (const auto& [key, root] : store->metadirs) check_directory("metadir-", root, write, findings);
  if (!store->partitions.contains(store->default_partition)) {
    add(findings, Level::error,
        "defaultpartition: no partition-" + store->default_partition + ": no mailbox can be made");
  }
  check_place("mboxname_lockpath", store->lock_path, findings);
  if (const auto path = path_of(conf, Option::proc_path)) check_place("proc_path", *path, findings);
  if (const auto path = path_of(conf, Option::lmtpsocket)) check_place("lmtpsocket", path->parent_path(), findings);
  if (const auto path = path_of(conf, Option::master_pid_file)) {
    // master writes it while it is still root.
    check_place("master_pid_file", path->parent_path(), findings);
    if (!findings.empty() && findings.back().text.starts_with("master_pid_file")) findings.back().level = Level::note;
  }
  struct stat status = {};
  if (::stat(store->mailboxes_db.c_str(), &status) != 0 && errno == ENOENT) {
    add(findings, Level::note, store->mailboxes_db.native() + ": not there yet: the store has no mailbox");
  }
}

void check_sasl(const config::ImapdConf& conf, Findings& findings) {
  const std::string method(conf.text(Option::sasl_pwcheck_method).value_or("auxprop"));
  const std::string plugin(conf.find("sasl_auxprop_plugin").value_or("sasldb"));
  const bool auxprop = method.find("auxprop") != std::string::npos;
  if (auxprop && plugin.find("sasldb") != std::string::npos) {
    const std::string file(conf.find("sasl_sasldb_path").value_or("/etc/sasldb2"));
    if (::access(file.c_str(), R_OK) != 0) {
      const int errnum = errno;
      const bool only = plugin == "sasldb" && method == "auxprop" && conf.find("sasl_auxprop_plugin");
      add(findings, only && errnum != ENOENT ? Level::error : Level::warning,
          "sasl_sasldb_path: " + file + ": " + reason(errnum) +
              (errnum == ENOENT ? "; 'pillarbox user add' makes it" : ""));
    }
  }
  if (method.find("saslauthd") != std::string::npos) {
    std::string path(conf.find("sasl_saslauthd_path").value_or("/var/run/saslauthd/mux"));
    struct sockaddr_un address = {};
    struct stat status = {};
    if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) path += "/mux";
    if (path.size() >= sizeof address.sun_path) {
      add(findings, Level::error, "sasl_saslauthd_path: " + path + ": too long for a socket");
    } else if (::access(path.c_str(), W_OK) != 0) {
      add(findings, Level::error, "sasl_saslauthd_path: " + path + ": " + reason(errno));
    }
  }
}

/// Where our master looks for programs without a path, next to itself: as installed beside this command. Empty when it
/// is not there, as where Cyrus's master runs ours.
fs::path directory_of_master() {
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (error) return {};
  const fs::path directory = here.parent_path() / "libexec/pillarbox";
  return ::access((directory / "master").c_str(), X_OK) == 0 ? directory : fs::path();
}

void check_services(const config::CyrusConf& conf, const fs::path& imapd_conf, Findings& findings) {
  const fs::path program_directory = directory_of_master();
  for (const std::string& warning : conf.warnings) add(findings, Level::warning, warning);
  const auto check = [&](std::string_view section, const std::string& name, const std::vector<std::string>& cmd) {
    const std::string what = std::string(section) + ' ' + name + ": ";
    const fs::path program = cmd.front();
    const fs::path found = program.is_absolute() || program_directory.empty() ? program : program_directory / program;
    if (found.is_absolute() && ::access(found.c_str(), X_OK) != 0) {
      add(findings, Level::error, what + found.native() + ": " + reason(errno));
    }
    const std::string base_name = program.filename().native();
    const bool ours = base_name == "pop3d" || base_name == "pop3proxyd" || base_name == "lmtpd";
    if (!ours) return;
    std::string file = "/etc/imapd.conf";
    for (std::size_t i = 1; i < cmd.size(); ++i) {
      if (cmd[i] == "-C" && i + 1 < cmd.size()) file = cmd[i + 1];
      if (cmd[i].starts_with("-C") && cmd[i].size() > 2) file = cmd[i].substr(2);
    }
    std::error_code error;
    const bool same = file == imapd_conf.native() || fs::equivalent(file, imapd_conf, error);
    if (!same) add(findings, Level::warning, what + "reads " + file + ", not " + imapd_conf.native());
  };
  for (const auto& entry : conf.start) check("START", entry.name, entry.cmd);
  std::map<std::string, std::string> listens;  // and who does
  for (const auto& entry : conf.services) {
    check("service", entry.name, entry.cmd);
    const auto [first, is_new] = listens.try_emplace(entry.proto + ' ' + entry.listen, entry.name);
    if (!is_new) {
      add(findings, Level::error,
          "service " + entry.name + ": listens at " + entry.listen + ", where " + first->second + " does");
    }
  }
  for (const auto& entry : conf.daemons) check("DAEMON", entry.name, entry.cmd);
  for (const auto& entry : conf.events) check("event", entry.name, entry.cmd);
  if (!conf.events.empty()) {
    add(findings, Level::note, "EVENTS: are not run by Pillarbox's master; use cron or a timer");
  }
}

}  // namespace tools

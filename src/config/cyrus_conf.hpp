#pragma once

#include "base/result.hpp"
#include "config/listen_address.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace config {

/// START: a command that is run to its end before anything else.
struct StartEntry {
  std::string name;
  std::vector<std::string> cmd;  ///< words, never empty
  int line = 0;
};

/// SERVICES: something that listens and is served by workers. Numbers are as the file has them: what babysit and
/// datagrams imply for them is master's business.
struct ServiceEntry {
  std::string name;
  std::vector<std::string> cmd;  ///< words, never empty
  std::string listen;            ///< parse_listen accepts it
  std::string proto = "tcp";     ///< tcp tcp4 tcp6 udp udp4 udp6
  int prefork = 0;               ///< idle workers kept ready
  int maxchild = -1;             ///< most workers; -1: no limit
  int maxforkrate = 0;           ///< forks per second; 0: no limit
  int maxfds = 0;                ///< soft limit of descriptors; 0: as master
  bool babysit = false;          ///< keep at least one worker alive
  int line = 0;
};

/// EVENTS: a command that is run again and again. cron goes before at, at before period.
struct EventEntry {
  std::string name;
  std::vector<std::string> cmd;  ///< words, never empty
  int period = 0;                ///< minutes; 0: none
  int at = -1;                   ///< time of day as the number hhmm, 430 is half past four; -1: none
  std::string cron;              ///< minute hour day month weekday, not checked here; empty: none
  int line = 0;
};

/// DAEMON: one process that is started again whenever it ends.
struct DaemonEntry {
  std::string name;
  std::vector<std::string> cmd;  ///< words, never empty
  int maxfds = 0;                ///< soft limit of descriptors; 0: as master
  int maxforkrate = 10;          ///< forks per second
  bool wait = false;             ///< says when it is ready, and master waits for that
  int line = 0;
};

/// What cyrus.conf(5) says, each section in the order of the file.
///
/// The grammar is Cyrus's, but what it passes over in silence is an error with its line: a section whose name is in the
/// wrong case or whose brace is on another line, text outside of sections, numbers and switches that are none. `#` in
/// quotes belongs to the value, and names may contain `-` and `_`.
struct CyrusConf {
  std::vector<StartEntry> start;
  std::vector<ServiceEntry> services;
  std::vector<EventEntry> events;
  std::vector<DaemonEntry> daemons;
  /// What the administrator should know although the file is valid, one line each, with file and line.
  std::vector<std::string> warnings;

  /// Reads `file`; CYRUS_PREFIX is honoured. Blocks on disk.
  /// Errors: not_found, permission, io, limit (the file cannot be read); invalid (the text names file and line).
  static base::Result<CyrusConf> load(const std::filesystem::path& file);

  /// As load, but of `text`, which is called `file` in messages. Pure.
  static base::Result<CyrusConf> parse(const std::string& file, std::string_view text);
};

}  // namespace config

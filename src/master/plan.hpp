#pragma once

#include "base/result.hpp"
#include "config/cyrus_conf.hpp"
#include "master/listen_socket.hpp"
#include "master/service_table.hpp"
#include "master/spawn.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace master {

struct PlannedStart {
  std::string name;
  Command command;
};

struct PlannedService {
  std::string name;
  std::string listen;  ///< as written: with name and proto it says whether a service is still the same
  Endpoint endpoint;
  Command command;
  Limits limits;
  int max_fds = 0;

  bool same_place(const PlannedService& other) const {
    return name == other.name && listen == other.listen && endpoint.proto == other.endpoint.proto;
  }
};

struct PlannedDaemon {
  std::string name;
  Command command;
  Limits limits;
  int max_fds = 0;
  bool wait = false;
};

/// A cyrus.conf that can be acted on: every program is there, and every listen value makes sense.
struct Plan {
  std::vector<PlannedStart> start;
  std::vector<PlannedService> services;
  std::vector<PlannedDaemon> daemons;
  std::vector<std::string> warnings;  ///< for the log, one line each
};

/// Checks the whole file before anything is done, so that a bad one changes nothing.
/// Errors: invalid, not_found; the text names the entry: "cannot find executable for service 'pop3': ...".
base::Result<Plan> make_plan(const config::CyrusConf& conf, const std::vector<std::filesystem::path>& folders);

}  // namespace master

#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <optional>
#include <string>

namespace pop3d {

/// Where the telemetry of one session goes.
struct TelemetryPlace {
  std::string directory;   ///< configdirectory/log; "": nowhere
  std::string user;        ///< canonical; a directory of that name turns telemetry on
  std::string service;     ///< the name in cyrus.conf
  std::string session_id;  ///< `base-epoch-pid-n-random`
  bool by_session_id = false;
  bool one_at_a_time = false;  ///< the sessions of this process follow one another: they share the file of the process
};

/// Opens the file for one session, for appending: `service-pid`, or `service-sessionid` by_session_id. Where sessions
/// run side by side, no two share a file: the second to want the name gets `service-pid-epoch.n`, the two numbers of
/// its id. nullopt: there is no directory for this user, so nobody asked for telemetry.
///
/// The directory must be root's or ours, and nobody else's to write; no symbolic link is followed, and a file that is
/// there already must be a regular one of ours with one name. Blocks on disk. Errors: permission (one of these); io.
base::Result<std::optional<base::UniqueFd>> open_telemetry(const TelemetryPlace& place);

}  // namespace pop3d

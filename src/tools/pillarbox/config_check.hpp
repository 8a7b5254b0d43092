#pragma once

#include "config/cyrus_conf.hpp"
#include "config/imapd_conf.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace tools {

/// Something an administrator should know of a configuration.
struct Finding {
  enum class Level {
    error,    ///< will not work
    warning,  ///< works, but less or otherwise than meant
    note,     ///< differs from Cyrus by design
  };

  Level level = Level::note;
  std::string text;  ///< begins with the file, line or option
};

using Findings = std::vector<Finding>;

/// Everything below reads files and directories as the user who runs it, who should be the Cyrus user, and changes
/// nothing.

/// The lines of imapd.conf as each of `services` reads them: errors, unknown and deprecated options.
/// `conf` is what was read for tools.
void check_lines(const config::ImapdConf& conf, const std::vector<std::string>& services, Findings& findings);

/// Directories and files that the options name: missing, or not to be read or written.
void check_places(const config::ImapdConf& conf, Findings& findings);

/// Password checks: sasldb that is not there, a saslauthd that does not listen.
void check_sasl(const config::ImapdConf& conf, Findings& findings);

/// Settings with which a store is not written, or not opened, and what else differs from Cyrus for options that are
/// set.
void check_differences(const config::ImapdConf& conf, Findings& findings);

/// cyrus.conf: its warnings; programs that are not there; services that read another imapd.conf than `imapd_conf`.
void check_services(const config::CyrusConf& conf, const std::filesystem::path& imapd_conf, Findings& findings);

}  // namespace tools

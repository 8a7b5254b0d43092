#pragma once

#include "config/imapd_conf.hpp"
#include "tools/pillarbox/config_check.hpp"

#include <ctime>

namespace tools {

/// The certificates and keys of the server, and the authorities for clients: unreadable, no PEM, expired at `now` or
/// soon, a key of another certificate, a key that everybody may read. Blocks on disk.
void check_certificates(const config::ImapdConf& conf, std::time_t now, Findings& findings);

}  // namespace tools

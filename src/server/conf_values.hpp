#pragma once

#include "config/imapd_conf.hpp"

#include <cstddef>
#include <string>

/// What every service reads from imapd.conf(5) in the same way.
namespace server {

/// servername, else the host's name.
std::string server_name(const config::ImapdConf& conf);

/// What the ids of sessions begin with: syslog_prefix, else the server's name; cut to a bearable length.
std::string session_id_base(const config::ImapdConf& conf);

/// A service's name as a part of a file name: what is no letter, digit, - or _ becomes _.
std::string file_name(std::string service);

/// A count of threads or sessions: no less than one.
std::size_t at_least_one(int value);

}  // namespace server

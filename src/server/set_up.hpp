#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "config/imapd_conf.hpp"

#include <string>

/// The steps that make a started program a service, before it has threads.
namespace server {

/// Holds back what master and administrators send, while the process starts: SIGHUP, whose default action is death, may
/// come at any moment, and a worker that dies of it counts as one that crashed.
void hold_signals();
void release_signals();

/// The log of imapd.conf(5): syslog_prefix (CYRUS_SYSLOG_PREFIX goes before it), syslog_facility, debug.
base::Log open_log(const config::ImapdConf& conf, const std::string& service);

/// imapd.conf(5) umask for all files to come: the octal digits of the text, 077 when there are none.
void set_umask(const config::ImapdConf& conf);

/// Started as root: becomes the Cyrus user for good. Started as anybody else: stays that.
base::Result<void> drop_privileges(const config::ImapdConf& conf);

/// Every session holds a socket and now and then a message file: takes what the administrator allows.
void raise_descriptor_limit();

}  // namespace server

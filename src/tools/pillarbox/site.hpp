#pragma once

#include "base/result.hpp"
#include "config/imapd_conf.hpp"
#include "cyrus/store_config.hpp"

#include <filesystem>

namespace tools {

/// Reads imapd.conf and, started as root, becomes the Cyrus user for good, so that no file of the store gets another
/// owner and nothing outside is read with more rights than a service has. To be called before anything is opened.
///
/// Errors: those of ImapdConf::load and service::become, with EX_CONFIG where the configuration is at fault.
base::Result<config::ImapdConf> enter_site(const std::filesystem::path& conf_file,
                                           config::Partitions partitions = config::Partitions::required);

/// The second half of enter_site(), for a configuration that was read another way. Sets the umask too.
base::Result<void> become_cyrus_user(const config::ImapdConf& conf);

/// enter_site() for commands that work on the store. Errors: the same; invalid (EX_CONFIG).
base::Result<cyrus::StoreConfig> enter_store(const std::filesystem::path& conf_file);

}  // namespace tools

#include "tools/pillarbox/site.hpp"

#include "service/privileges.hpp"
#include "tools/pillarbox/exit_status.hpp"

#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

namespace tools {
namespace {

/// The octal digits of the option's text, as every Cyrus program reads it.
mode_t umask_of(const config::ImapdConf& conf) {
  mode_t mask = 0;
  for (const char c : conf.text(config::Option::umask).value_or("077")) {
    if (c >= '0' && c <= '7') mask = mask * 8 + static_cast<mode_t>(c - '0');
  }
  return mask & 0777;
}

}  // namespace

base::Result<void> become_cyrus_user(const config::ImapdConf& conf) {
  ::umask(umask_of(conf));
  if (::geteuid() != 0) return {};
  const auto identity =
      service::find_identity(conf.text(config::Option::cyrus_user), conf.text(config::Option::cyrus_group));
  if (!identity) return tl::unexpected(with_status(EX_CONFIG, identity.error()));
  if (const auto done = service::become(*identity); !done) return tl::unexpected(with_status(EX_OSERR, done.error()));
  return {};
}

base::Result<config::ImapdConf> enter_site(const std::filesystem::path& conf_file, config::Partitions partitions) {
  auto conf = config::ImapdConf::load(conf_file, "", partitions);
  if (!conf) return tl::unexpected(with_status(EX_CONFIG, std::move(conf.error())));
  if (const auto done = become_cyrus_user(*conf); !done) return tl::unexpected(done.error());
  return conf;
}

base::Result<cyrus::StoreConfig> enter_store(const std::filesystem::path& conf_file) {
  const auto conf = enter_site(conf_file);
  if (!conf) return tl::unexpected(conf.error());
  auto store = cyrus::store_config(*conf);
  if (!store) return tl::unexpected(with_status(EX_CONFIG, std::move(store.error())));
  return store;
}

}  // namespace tools

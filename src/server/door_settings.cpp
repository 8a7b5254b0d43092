#include "server/door_settings.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

namespace server {
namespace {

using config::Option;

unsigned positive(int value) { return static_cast<unsigned>(std::max(value, 0)); }

base::Result<net::Networks> networks(const config::ImapdConf& conf, Option option, const char* name) {
  auto out = net::Networks::parse(conf.text(option).value_or(""));
  if (out) return out;
  return base::fail(base::Errc::invalid, conf.file().native() + ": " + name + ": " + out.error().text);
}

}  // namespace

base::Result<DoorSettings> door_settings(const config::ImapdConf& conf, bool proxy_header) {
  DoorSettings out;
  out.service = conf.service();
  out.keep_alive = {conf.is_on(Option::tcp_keepalive), conf.integer(Option::tcp_keepalive_cnt),
                    conf.duration(Option::tcp_keepalive_idle), conf.duration(Option::tcp_keepalive_intvl)};
  out.proxy_header = proxy_header;
  auto proxies = networks(conf, Option::proxy_protocol_networks, "proxy_protocol_networks");
  if (!proxies) return tl::unexpected(proxies.error());
  out.proxies = std::move(*proxies);
  out.proxy_timeout = std::max(conf.duration(Option::proxy_protocol_timeout), std::chrono::seconds(1));
  out.proxy_tls_counts = conf.is_on(Option::proxy_protocol_tls);
  auto exempt = networks(conf, Option::abuse_exempt_networks, "abuse_exempt_networks");
  if (!exempt) return tl::unexpected(exempt.error());
  out.exempt = std::move(*exempt);
  out.strangers.per_household = positive(conf.integer(Option::prelogin_connections_per_address));
  out.strangers.in_all = positive(conf.integer(Option::prelogin_connections));
  out.failures_per_connection = positive(conf.integer(Option::failed_logins_per_connection));
  PenaltyRules rules;
  rules.longest = conf.duration(Option::failed_login_penalty);
  rules.free_failures = positive(conf.integer(Option::failed_login_penalty_after));
  if (const auto directory = conf.text(Option::configdirectory); directory && rules.longest.count() > 0) {
    out.penalties = std::make_shared<Penalties>(std::filesystem::path(*directory) / "pillarbox" / "penalties", rules);
  }
  return out;
}

}  // namespace server

#include "server/door_settings.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace server {
namespace {

using config::Option;

base::Result<net::Networks> networks(const config::ImapdConf& conf, Option option, const char* name) {
  auto out = net::Networks::parse(conf.text(option).value_or(""));
  if (out) return out;
  return base::fail(base::Errc::invalid, conf.file().native() + ": " + name + ": " + out.error().text);
}

}  // namespace

base::Result<DoorSettings> door_settings(const config::ImapdConf& conf, bool proxy_header) {
  DoorSettings out;
  out.service = conf.service();
  out.proxy_header = proxy_header;
  auto proxies = networks(conf, Option::proxy_protocol_networks, "proxy_protocol_networks");
  if (!proxies) return tl::unexpected(proxies.error());
  out.proxies = std::move(*proxies);
  out.proxy_timeout = std::max(conf.duration(Option::proxy_protocol_timeout), std::chrono::seconds(1));
  out.proxy_tls_counts = conf.is_on(Option::proxy_protocol_tls);
  return out;
}

}  // namespace server

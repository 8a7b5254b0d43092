#include "server/conf_values.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <array>
#include <unistd.h>

namespace server {
namespace {

using config::Option;

constexpr std::size_t kMaxIdBase = 128;

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

}  // namespace

std::string server_name(const config::ImapdConf& conf) {
  const auto name = conf.text(Option::servername);
  return name ? std::string(*name) : host_name();
}

std::string session_id_base(const config::ImapdConf& conf) {
  const auto prefix = conf.text(Option::syslog_prefix);
  return (prefix ? std::string(*prefix) : server_name(conf)).substr(0, kMaxIdBase);
}

std::string file_name(std::string service) {
  const auto is_odd = [](char c) { return !base::ascii::is_alnum(c) && c != '-' && c != '_'; };
  std::replace_if(service.begin(), service.end(), is_odd, '_');
  return service;
}

std::size_t at_least_one(int value) { return static_cast<std::size_t>(std::max(value, 1)); }

}  // namespace server

#include "auth/sasl_settings.hpp"

#include "auth/authenticator.hpp"
#include "base/ascii.hpp"
#include "config/option.hpp"

#include <sasl/sasl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <unistd.h>

namespace auth {
namespace {

using config::Option;

std::string text_of(const config::ImapdConf& conf, Option option) {
  return std::string{conf.text(option).value_or(std::string_view{})};
}

std::string server_name_of(const config::ImapdConf& conf) {
  if (auto name = text_of(conf, Option::servername); !name.empty()) return name;
  std::array<char, 256> host{};  // HOST_NAME_MAX is 64; gethostname need not terminate what it cuts
  if (::gethostname(host.data(), host.size() - 1) != 0) return "localhost";
  return host.data();
}

VirtualDomains virtual_domains_of(const config::ImapdConf& conf) {
  const auto word = conf.choice(Option::virtdomains);
  if (word == "on") return VirtualDomains::on;
  return word == "userid" ? VirtualDomains::userid : VirtualDomains::off;
}

int log_level_of(const config::ImapdConf& conf) {
  int level = SASL_LOG_ERR;
  if (const auto text = conf.find("sasl_log_level")) {
    std::from_chars(text->data(), text->data() + text->size(), level);  // unchanged when it is no number
  }
  return level;
}

/// Only where the file names sasldb itself: with other plug-ins beside it, or none named, its file may rightly be
/// missing.
std::optional<std::string> password_file_of(const config::ImapdConf& conf) {
  const auto path = conf.find("sasl_sasldb_path");
  const auto plugin = conf.find("sasl_auxprop_plugin");
  const bool only_sasldb = plugin && base::ascii::trim(*plugin) == "sasldb";
  if (!only_sasldb) return std::nullopt;
  return std::string{path.value_or("/etc/sasldb2")};
}

}  // namespace

SaslSettings::SaslSettings(const config::ImapdConf& conf, const base::Log& log_lines)
    : log(log_lines),
      hierarchy_dot(!conf.is_on(Option::unixhierarchysep)),
      server_name(server_name_of(conf)),
      admins(text_of(conf, Option::admins)),
      proxy_servers(text_of(conf, Option::proxyservers)),
      login_realms(text_of(conf, Option::loginrealms)),
      unix_groups(conf.is_on(Option::unix_group_enable)),
      allow_plaintext(conf.is_on(Option::allowplaintext)),
      allow_anonymous(conf.is_on(Option::allowanonymouslogin)),
      minimum_layer(static_cast<unsigned>(std::max(0, conf.integer(Option::sasl_minimum_layer)))),
      maximum_layer(static_cast<unsigned>(std::max(0, conf.integer(Option::sasl_maximum_layer)))),
      log_level(log_level_of(conf)),
      password_file_(password_file_of(conf)) {
  names.virtual_domains = virtual_domains_of(conf);
  names.default_domain = text_of(conf, Option::defaultdomain);
  names.fold_case = conf.is_on(Option::username_tolower);
  names.subfolders = conf.is_on(Option::popsubfolders);
}

std::optional<std::string> SaslSettings::missing_password_file() const {
  if (!password_file_) return std::nullopt;
  if (::access(password_file_->c_str(), F_OK) == 0 || errno != ENOENT) return std::nullopt;
  return password_file_;
}

bool SaslSettings::plaintext_allowed(const Channel& channel) const {
  return allow_plaintext || channel.tls || channel.external_ssf > 1;
}

bool SaslSettings::too_weak(const Channel& channel) const {
  return !channel.layers && minimum_layer > static_cast<unsigned>(std::max(0, channel.external_ssf));
}

std::optional<std::string> SaslSettings::certificate_user(const Channel& channel) const {
  if (channel.certificate_name.find_first_of(std::string_view{"%+\0", 3}) != std::string::npos) return std::nullopt;
  const auto name = canonical_name(channel.certificate_name, names);
  if (!name || name->user == "anonymous" || name->user == "anyone") return std::nullopt;
  return name->user;
}

void log_sasl_line(const SaslSettings& settings, int level, std::string_view line) noexcept {
  if (level <= SASL_LOG_NONE || level > std::min(settings.log_level, SASL_LOG_DEBUG)) return;
  switch (level) {
    case SASL_LOG_ERR:
      return settings.log.error(line);
    case SASL_LOG_FAIL:
    case SASL_LOG_NOTE:
      return settings.log.notice(line);
    case SASL_LOG_WARN:
      return settings.log.warning(line);
    default:
      return settings.log.debug(line);
  }
}

}  // namespace auth

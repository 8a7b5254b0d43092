#include "auth/authenticator.hpp"

#include "auth/local_domain.hpp"
#include "auth/sasl_callback.hpp"
#include "auth/sasl_exchange.hpp"
#include "auth/sasl_settings.hpp"
#include "auth/stand_in.hpp"
#include "base/ascii.hpp"
#include "base/check.hpp"
#include "config/option.hpp"

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <map>
#include <mutex>
#include <new>
#include <sys/random.h>
#include <tuple>
#include <utility>

namespace auth {
namespace {

/// Entries of the caches below before they are started afresh: kinds of channel, own addresses.
constexpr std::size_t kMaxCached = 64;

/// Octets of servername in a challenge of APOP: the greeting must fit into 512 with it (RFC 2449 s4).
constexpr std::size_t kMaxChallengeHost = 128;

/// libsasl2 has one state per process, so there is one Authenticator at a time.
std::atomic<bool> library_taken{false};

void* new_mutex() { return new (std::nothrow) std::mutex; }
int lock_mutex(void* mutex) {
  static_cast<std::mutex*>(mutex)->lock();
  return SASL_OK;
}
int unlock_mutex(void* mutex) {
  static_cast<std::mutex*>(mutex)->unlock();
  return SASL_OK;
}
void free_mutex(void* mutex) { delete static_cast<std::mutex*>(mutex); }

/// Serves imapd.conf to libsasl2, which keeps the pointers: values are copied once, with the NUL that it wants, and
/// stay where they are. Its plug-ins ask for a fixed set of names, so this does not grow with clients.
class OptionServer {
 public:
  explicit OptionServer(const config::ImapdConf& conf) : conf_(conf) {}

  /// sasl_PLUGIN_OPTION, then sasl_OPTION; the service prefix goes first in each (ImapdConf::find).
  const std::string* find(const char* plugin, std::string_view option) {
    const std::lock_guard lock{mutex_};
    const std::string plain = "sasl_" + base::ascii::lower(option);
    if (plugin != nullptr && *plugin != '\0') {
      const auto key = "sasl_" + base::ascii::lower(plugin) + "_" + base::ascii::lower(option);
      if (const auto* value = keep(key, conf_.find(key))) return value;
    }
    return keep(plain, plain_value(plain));
  }

  /// What `option` says from now on, whatever stands in the file.
  void override_with(std::string_view option, std::string value) {
    const std::lock_guard lock{mutex_};
    values_.insert_or_assign("sasl_" + std::string{option}, std::move(value));
  }

 private:
  /// Two of libsasl2's options are in the table of imapd.conf.
  std::optional<std::string_view> plain_value(const std::string& key) const {
    using config::Option;
    if (key == "sasl_pwcheck_method") return conf_.text(Option::sasl_pwcheck_method);
    if (key == "sasl_auto_transition") {
      if (!conf_.is_set(Option::sasl_auto_transition)) return std::nullopt;
      return conf_.is_on(Option::sasl_auto_transition) ? "yes" : "no";
    }
    return conf_.find(key);
  }

  const std::string* keep(const std::string& key, std::optional<std::string_view> value) {
    if (const auto kept = values_.find(key); kept != values_.end()) return &kept->second;
    return value ? &values_.try_emplace(key, *value).first->second : nullptr;
  }

  const config::ImapdConf& conf_;
  std::mutex mutex_;
  std::map<std::string, std::string> values_;
};

int get_option(void* server, const char* plugin, const char* option, const char** result, unsigned* length) noexcept {
  if (server == nullptr || option == nullptr || result == nullptr) return SASL_BADPARAM;
  const auto* value = static_cast<OptionServer*>(server)->find(plugin, option);
  if (value == nullptr) return SASL_FAIL;
  *result = value->c_str();
  if (length != nullptr) *length = static_cast<unsigned>(value->size());
  return SASL_OK;
}

/// Lines that belong to no exchange: loading of plug-ins.
int log_line(void* settings, int level, const char* message) noexcept {
  if (settings != nullptr && message != nullptr) {
    log_sasl_line(*static_cast<const SaslSettings*>(settings), level, message);
  }
  return SASL_OK;
}

/// What auxprop_plugin_info says: it calls once for each plug-in, and once without one at either end.
void count_plugin(sasl_auxprop_plug_t* plugin, sasl_info_callback_stage_t stage, void* count) noexcept {
  if (stage == SASL_INFO_LIST_MECH && plugin != nullptr) ++*static_cast<int*>(count);
}

/// True when a plug-in could give libsasl2 the password of a user. `sasl_auxprop_plugin` names those that it asks; all
/// when it is not set.
bool has_password_plugin(const config::ImapdConf& conf) {
  int plugins = 0;
  const auto wanted = conf.find("sasl_auxprop_plugin");
  const std::string list{wanted.value_or(std::string_view{})};
  ::auxprop_plugin_info(wanted ? list.c_str() : nullptr, &count_plugin, &plugins);
  return plugins > 0;
}

/// 256 random bits as a text.
std::string unguessable() {
  std::array<std::uint64_t, 4> random{};
  CHECK(::getrandom(random.data(), sizeof random, 0) == static_cast<ssize_t>(sizeof random));
  std::string text;
  for (const auto number : random) text += std::to_string(number) + ".";
  return text;
}

/// What the offer depends on: TLS, its bits, the type of binding, a certificate's name, layers.
using ChannelKind = std::tuple<bool, int, std::string, bool, bool>;

}  // namespace

struct Authenticator::State {
  State(const config::ImapdConf& conf, const base::Log& log)
      : settings(conf, log),
        options(conf),
        callbacks{{{SASL_CB_GETOPT, as_callback(&get_option), &options},
                   {SASL_CB_LOG, as_callback(&log_line), &settings},
                   {SASL_CB_LIST_END, nullptr, nullptr}}} {}

  SaslSettings settings;
  OptionServer options;
  std::array<sasl_callback_t, 3> callbacks;  // libsasl2 keeps a pointer to it

  bool apop = false;  // whether it is offered

  std::mutex mutex;  // guards what follows
  std::map<ChannelKind, std::string> mechanisms;
  std::map<std::string, std::string> local_domains;
};

Authenticator::Authenticator(std::unique_ptr<State> state) : state_(std::move(state)) {}

Authenticator::~Authenticator() {
  ::sasl_server_done();
  library_taken = false;
}

base::Result<std::unique_ptr<Authenticator>> Authenticator::create(const config::ImapdConf& conf,
                                                                   const base::Log& log) {
  if (conf.integer(config::Option::sasl_maximum_layer) < conf.integer(config::Option::sasl_minimum_layer)) {
    return base::fail(base::Errc::invalid,
                      conf.file().native() + ": sasl_maximum_layer is less than sasl_minimum_layer");
  }
  if (library_taken.exchange(true)) return base::fail(base::Errc::busy, "SASL: already in use in this process");
  auto state = std::make_unique<State>(conf, log);
  ::sasl_set_mutex(&new_mutex, &lock_mutex, &unlock_mutex, &free_mutex);
  // The application name is the original's: libsasl2 reads a file of that name (Cyrus.conf) for what plug-ins ask and
  // imapd.conf does not say.
  const int code = ::sasl_server_init(state->callbacks.data(), "Cyrus");
  if (code != SASL_OK) {
    library_taken = false;
    const char* text = ::sasl_errstring(code, nullptr, nullptr);
    return base::fail(code == SASL_BADPARAM || code == SASL_CONFIGERR ? base::Errc::invalid : base::Errc::io,
                      std::string{"SASL: sasl_server_init: "} + (text != nullptr ? text : "unknown error"));
  }
  state->apop = conf.is_on(config::Option::allowapop) && ::sasl_checkapop(nullptr, nullptr, 0, nullptr, 0) == SASL_OK &&
                has_password_plugin(conf);
  auto plugins = add_stand_in(unguessable());
  if (!plugins) {
    log.warning("SASL: SCRAM tells unknown users from known ones: " + plugins.error().text);
  } else if (!plugins->empty()) {
    state->options.override_with("auxprop_plugin", std::move(*plugins));
  }
  return std::unique_ptr<Authenticator>{new Authenticator(std::move(state))};
}

// libsasl2's own challenge draws on 48 bits of a linear generator.
std::string Authenticator::apop_challenge() const {
  std::array<std::uint64_t, 2> random{};
  if (!state_->apop || ::getrandom(random.data(), sizeof random, 0) != static_cast<ssize_t>(sizeof random)) return {};
  std::string host = state_->settings.server_name.substr(0, kMaxChallengeHost);
  const auto is_odd = [](char c) { return c <= ' ' || c > '~' || c == '<' || c == '>' || c == '@'; };
  std::replace_if(host.begin(), host.end(), is_odd, '-');
  return "<" + std::to_string(random[0]) + std::to_string(random[1]) + "." + std::to_string(std::time(nullptr)) + "@" +
         host + ">";
}

base::Result<std::unique_ptr<Exchange>> Authenticator::begin(const Channel& channel) {
  std::string domain;
  if (state_->settings.names.virtual_domains == VirtualDomains::on && !channel.local_ip.empty()) {
    // The resolver may be slow: ask it outside the lock. Two threads that ask at once get the same answer.
    std::unique_lock lock{state_->mutex};
    const auto known = state_->local_domains.find(channel.local_ip);
    if (known != state_->local_domains.end()) {
      domain = known->second;
    } else {
      lock.unlock();
      domain = domain_of_address(channel.local_ip);
      lock.lock();
      if (state_->local_domains.size() >= kMaxCached) state_->local_domains.clear();
      state_->local_domains.insert_or_assign(channel.local_ip, domain);
    }
  }
  auto exchange = SaslExchange::create(state_->settings, channel, std::move(domain));
  if (!exchange) return tl::unexpected(std::move(exchange.error()));
  return std::unique_ptr<Exchange>{std::move(*exchange)};
}

std::string Authenticator::mechanisms(const Channel& channel) {
  const bool external = state_->settings.certificate_user(channel).has_value();
  const ChannelKind kind{channel.tls, channel.external_ssf, channel.binding_type, external, channel.layers};
  const std::lock_guard lock{state_->mutex};
  if (const auto known = state_->mechanisms.find(kind); known != state_->mechanisms.end()) return known->second;

  Channel same_kind = channel;  // without the addresses: the answer holds for every peer
  same_kind.local_ip.clear();
  same_kind.peer_ip.clear();
  auto exchange = SaslExchange::create(state_->settings, same_kind, {});
  if (!exchange) {
    state_->settings.log.error(exchange.error().text);
    return {};
  }
  if (state_->mechanisms.size() >= kMaxCached) state_->mechanisms.clear();
  return state_->mechanisms[kind] = (*exchange)->mechanisms();
}

}  // namespace auth

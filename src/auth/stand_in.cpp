#include "auth/stand_in.hpp"

#include "auth/sasl_exchange.hpp"
#include "base/word_list.hpp"

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

// The salt that SCRAM shows is no matter of ours: where passwords are stored as they are, libsasl2 makes it of the name
// and a key of the process, the same way for whoever has a password. A site that stores SCRAM's own secrets instead
// (authPassword) shows their salts, which outlive the process, and can be told apart.

namespace auth {
namespace {

constexpr const char* kName = "pillarbox_stand_in";
/// libsasl2 hands nothing from sasl_auxprop_add_plugin to describe(), and nothing back, but there is one libsasl2 in a
/// process. Written before the first exchange.
struct Shared {
  std::string password;
  std::optional<std::string> asked_so_far;  // what auxprop_plugin says without us, by imapd.conf or libsasl2's own file
};
Shared& shared() {
  static Shared of_the_process;
  return of_the_process;
}

/// The exchange that asks: the context of a callback that only exchanges have.
SaslExchange* exchange_of(const sasl_utils_t& utils) {
  sasl_callback_ft function = nullptr;
  void* context = nullptr;
  const int code = utils.getcallback(utils.conn, SASL_CB_PROXY_POLICY, &function, &context);
  return code == SASL_OK ? static_cast<SaslExchange*>(context) : nullptr;
}

/// True when the password is asked for, and no property has a value: nobody knows the user.
bool lacks_password(const propval* properties) {
  bool asked = false;
  for (; properties != nullptr && properties->name != nullptr; ++properties) {
    if (properties->values != nullptr && properties->values[0] != nullptr) return false;
    asked = asked || std::string_view{properties->name} == SASL_AUX_PASSWORD;
  }
  return asked;
}

int look_up(void*, sasl_server_params_t* parameters, unsigned flags, const char*, unsigned) noexcept {
  if (parameters == nullptr || (flags & SASL_AUXPROP_AUTHZID) != 0) return SASL_NOUSER;
  const auto& utils = *parameters->utils;
  const bool is_known = !lacks_password(utils.prop_get(parameters->propctx));
  auto* const exchange = exchange_of(utils);
  if (exchange == nullptr || !exchange->stand_in(is_known)) return SASL_NOUSER;
  const auto& password = shared().password;
  return utils.prop_set(parameters->propctx, SASL_AUX_PASSWORD, password.data(), static_cast<int>(password.size()));
}

int describe(const sasl_utils_t* utils, int newest, int* version, sasl_auxprop_plug_t** plugin, const char*) noexcept {
  // libsasl2 keeps the pointers.
  static std::string name = kName;
  static sasl_auxprop_plug_t described = [] {
    sasl_auxprop_plug_t plug{};
    plug.auxprop_lookup = &look_up;
    plug.name = name.data();
    return plug;
  }();
  if (newest < SASL_AUXPROP_PLUG_VERSION) return SASL_BADVERS;
  const char* names = nullptr;
  if (utils->getopt(utils->getopt_context, nullptr, "auxprop_plugin", &names, nullptr) == SASL_OK && names != nullptr) {
    shared().asked_so_far = names;
  }
  *version = SASL_AUXPROP_PLUG_VERSION;
  *plugin = &described;
  return SASL_OK;
}

/// Takes the names of plug-ins: auxprop_plugin_info calls it for each, and without one at either end.
void add_name(sasl_auxprop_plug_t* plugin, sasl_info_callback_stage_t stage, void* names) noexcept {
  if (stage != SASL_INFO_LIST_MECH || plugin == nullptr) return;
  static_cast<std::vector<std::string>*>(names)->emplace_back(plugin->name != nullptr ? plugin->name : "");
}

}  // namespace

base::Result<std::string> add_stand_in(std::string password) {
  std::vector<std::string> loaded;
  ::auxprop_plugin_info(nullptr, &add_name, &loaded);
  // Where nobody is named, all are asked, the last one that was added first: so they must be named. One without a name
  // cannot be.
  if (loaded.empty() || std::find(loaded.begin(), loaded.end(), "") != loaded.end()) return std::string{};
  shared().password = std::move(password);
  shared().asked_so_far.reset();
  if (const int code = ::sasl_auxprop_add_plugin(kName, &describe); code != SASL_OK) {
    return base::fail(base::Errc::io, ::sasl_errstring(code, nullptr, nullptr));
  }
  std::string asked;
  if (const auto& named = shared().asked_so_far) {
    const auto is_asked = [&named](const std::string& name) { return base::lists_realm(*named, name); };
    if (std::none_of(loaded.begin(), loaded.end(), is_asked)) return std::string{};
    asked = *named + " ";
  } else {
    for (const auto& name : loaded) asked.append(name).append(" ");
  }
  return asked + kName;
}

}  // namespace auth

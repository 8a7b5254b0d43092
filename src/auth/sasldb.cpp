#include "auth/sasldb.hpp"

#include "auth/login_realm.hpp"
#include "auth/sasl_callback.hpp"
#include "auth/sasl_settings.hpp"
#include "auth/sasldb_file.hpp"
#include "auth/user_name.hpp"
#include "base/file_io.hpp"
#include "base/file_lock.hpp"
#include "base/log.hpp"
#include "base/unique_fd.hpp"

#include <sasl/sasl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <utility>

namespace auth {
namespace {

using base::Errc;

constexpr std::size_t kMaxPassword = 1024;  // what a login takes, and more than anybody types

std::atomic<bool> library_taken{false};

}  // namespace

struct Sasldb::State {
  explicit State(const config::ImapdConf& conf)
      : log([this](base::Severity severity, std::string_view line) {
          if (severity <= base::Severity::warning) last_line = line;
        }),
        settings(conf, log),
        file(conf.find("sasl_sasldb_path").value_or("/etc/sasldb2")),
        callbacks{{{SASL_CB_GETOPT, as_callback(&State::get_option), this},
                   {SASL_CB_LOG, as_callback(&State::log_line), this},
                   {SASL_CB_LIST_END, nullptr, nullptr}}} {}

  /// Whatever imapd.conf says of other stores, passwords go to sasldb and nowhere else.
  static int get_option(void* state, const char*, const char* option, const char** result, unsigned* length) noexcept {
    if (state == nullptr || option == nullptr || result == nullptr) return SASL_BADPARAM;
    const std::string_view name = option;
    if (name == "auxprop_plugin") {
      *result = "sasldb";
    } else if (name == "sasldb_path") {
      *result = static_cast<State*>(state)->file.c_str();
    } else {
      return SASL_FAIL;
    }
    if (length != nullptr) *length = static_cast<unsigned>(std::string_view(*result).size());
    return SASL_OK;
  }

  static int log_line(void* state, int level, const char* message) noexcept {
    if (state != nullptr && message != nullptr && (level == SASL_LOG_ERR || level == SASL_LOG_FAIL)) {
      static_cast<State*>(state)->log.error(message);
    }
    return SASL_OK;
  }

  std::string last_line;  ///< what libsasl2 had to say of its last failure
  base::Log log;
  SaslSettings settings;
  std::filesystem::path file;
  std::array<sasl_callback_t, 3> callbacks;  // libsasl2 keeps a pointer to it
};

Sasldb::Sasldb(std::unique_ptr<State> state) : state_(std::move(state)) {}

Sasldb::~Sasldb() {
  ::sasl_server_done();
  library_taken = false;
}

base::Result<std::unique_ptr<Sasldb>> Sasldb::create(const config::ImapdConf& conf) {
  if (library_taken.exchange(true)) return base::fail(Errc::busy, "SASL: already in use in this process");
  auto state = std::make_unique<State>(conf);
  if (const int code = ::sasl_server_init(state->callbacks.data(), "Cyrus"); code != SASL_OK) {
    library_taken = false;
    return base::fail(Errc::io, std::string("SASL: sasl_server_init: ") + ::sasl_errstring(code, nullptr, nullptr));
  }
  return std::unique_ptr<Sasldb>{new Sasldb(std::move(state))};
}

const std::filesystem::path& Sasldb::file() const { return state_->file; }
const std::string& Sasldb::default_realm() const { return state_->settings.server_name; }

base::Result<SasldbUser> Sasldb::user_of(std::string_view typed) const {
  NameRules rules = state_->settings.names;
  rules.subfolders = false;
  auto name = canonical_name(typed, rules);
  if (!name) {
    // The text speaks of a login; here it is a word on a command line.
    constexpr std::string_view kPrefix = "login name";
    std::string text = std::move(name.error().text);
    if (text.starts_with(kPrefix)) text.replace(0, kPrefix.size(), "user name '" + std::string(typed) + "'");
    return base::fail(name.error().code, std::move(text));
  }
  // libsasl2 cuts at the first '@' where the store cuts at the last: such a name would be two different people.
  const auto at = name->user.find('@');
  if (at == std::string::npos) return SasldbUser{std::move(name->user), default_realm()};
  if (name->user.find('@', at + 1) != std::string::npos || at == 0 || at + 1 == name->user.size()) {
    return base::fail(Errc::invalid, "user name '" + std::string(typed) + "': needs a name and a realm around its '@'");
  }
  return SasldbUser{name->user.substr(0, at), name->user.substr(at + 1)};
}

bool Sasldb::may_log_in(std::string_view typed) const {
  NameRules rules = state_->settings.names;
  rules.subfolders = false;
  const auto name = canonical_name(typed, rules);
  return name && realm_may_log_in(name->user, state_->settings);
}

base::Result<std::vector<SasldbUser>> Sasldb::list() const { return read_sasldb_users(state_->file); }

base::Result<void> Sasldb::add(const SasldbUser& user, const base::Secret& password) {
  return set(user, password.view(), SASL_SET_CREATE, false);
}

base::Result<void> Sasldb::change(const SasldbUser& user, const base::Secret& password) {
  return set(user, password.view(), 0, true);
}

base::Result<void> Sasldb::remove(const SasldbUser& user) { return set(user, {}, SASL_SET_DISABLE, true); }

base::Result<void> Sasldb::set(const SasldbUser& user, std::string_view password, unsigned flags, bool must_exist) {
  const std::string name = user.name + '@' + user.realm;
  const std::string what = "user " + name;
  if ((flags & SASL_SET_DISABLE) == 0) {
    if (password.empty()) return base::fail(Errc::invalid, what + ": the password is empty");
    if (password.size() > kMaxPassword) return base::fail(Errc::invalid, what + ": the password is too long");
  }
  // Berkeley DB without an environment has no locks. Two of us at once must not tear the file; readers see the file as
  // it is, as with saslpasswd2.
  base::FileLock lock;
  base::UniqueFd fd;
  if (auto opened = base::open_file(state_->file, O_RDWR | O_NONBLOCK | O_NOCTTY)) {
    fd = std::move(*opened);
    auto taken = base::FileLock::try_lock(fd.value(), base::LockMode::exclusive, state_->file.native());
    if (!taken) return tl::unexpected(std::move(taken.error()));
    lock = std::move(*taken);
  } else if (opened.error().code != Errc::not_found) {
    return tl::unexpected(std::move(opened.error()));
  }

  const auto known = list();
  if (!known) return tl::unexpected(known.error());
  const bool exists = std::ranges::binary_search(*known, user);
  if (must_exist && !exists) return base::fail(Errc::not_found, what + ": not in " + state_->file.native());
  if (!must_exist && exists) return base::fail(Errc::invalid, what + ": is there already");

  sasl_conn_t* connection = nullptr;
  int code = ::sasl_server_new("pop", default_realm().c_str(), nullptr, nullptr, nullptr, nullptr, 0, &connection);
  if (code == SASL_OK) {
    state_->last_line.clear();
    code = ::sasl_setpass(connection, name.c_str(), password.data(), static_cast<unsigned>(password.size()), nullptr, 0,
                          flags);
  }
  ::sasl_dispose(&connection);
  if (code == SASL_OK) return {};
  std::string text = what + ": " + state_->file.native() + ": " + ::sasl_errstring(code, nullptr, nullptr);
  if (!state_->last_line.empty()) text += " (" + state_->last_line + ')';
  return base::fail(Errc::io, std::move(text));
}

}  // namespace auth

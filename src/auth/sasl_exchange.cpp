#include "auth/sasl_exchange.hpp"

#include "auth/login_realm.hpp"
#include "auth/sasl_callback.hpp"
#include "auth/sasl_response.hpp"
#include "auth/scram_header.hpp"
#include "base/ascii.hpp"
#include "base/word_list.hpp"

#include <sasl/sasl.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <netdb.h>
#include <sys/socket.h>
#include <utility>

// libsasl2 calls back while it checks: names pass through on_canon_user, some of them twice (first what was typed,
// then what came of it, to look the password up), so what came out once is passed through the second time. Otherwise
// `virtdomains: on` would add a domain to a name whose default domain was just cut off, and the folder would be lost.

namespace auth {
namespace {

/// Bytes of a client's text in one log line.
constexpr std::size_t kMaxLogText = 400;
/// What a client may put into one packet of a security layer, and the most that one of ours carries.
constexpr unsigned kLayerOctets = 4096;
/// Hex digits of an MD5 digest.
constexpr std::size_t kApopDigits = 32;

/// A NUL-terminated copy for C code, overwritten afterwards.
class CString {
 public:
  explicit CString(std::string_view text) : text_(text) {}
  CString(const CString&) = delete;
  CString& operator=(const CString&) = delete;
  ~CString() { base::wipe(text_); }
  const char* get() const { return text_.c_str(); }
  unsigned size() const { return static_cast<unsigned>(text_.size()); }

 private:
  std::string text_;
};

/// libsasl2 2.1.28 loses memory when it is given something else.
bool is_endpoint(const std::string& ip, unsigned port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (port > std::numeric_limits<std::uint16_t>::max() || ::getaddrinfo(ip.c_str(), nullptr, &hints, &list) != 0) {
    return false;
  }
  ::freeaddrinfo(list);
  return true;
}

std::string endpoint(const std::string& ip, unsigned port) { return ip.empty() ? ip : ip + ";" + std::to_string(port); }

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

std::string error_text(int code) {
  const char* text = ::sasl_errstring(code, nullptr, nullptr);
  return text != nullptr ? text : "unknown SASL error";
}

std::string property(sasl_conn_t* connection, int number) {
  const void* value = nullptr;
  if (::sasl_getprop(connection, number, &value) != SASL_OK || value == nullptr) return {};
  return static_cast<const char*>(value);
}

/// True for mechanisms where both sides compute with the password: libsasl2 refuses who has none as soon as it has
/// looked for it, some of them a step before a wrong password is refused.
bool is_shared_secret(std::string_view mechanism) {
  constexpr std::array<std::string_view, 3> kOthers = {"CRAM-MD5", "DIGEST-MD5", "NTLM"};
  const auto is_it = [mechanism](std::string_view name) { return base::ascii::equal_ignoring_case(mechanism, name); };
  return is_scram(mechanism) || std::any_of(kOthers.begin(), kOthers.end(), is_it);
}

/// Octets of plain text that a packet of the negotiated layer takes; 0 when there is no layer.
std::size_t negotiated_layer(sasl_conn_t* connection) {
  const void* value = nullptr;
  if (::sasl_getprop(connection, SASL_SSF, &value) != SASL_OK || value == nullptr) return 0;
  if (*static_cast<const sasl_ssf_t*>(value) == 0) return 0;
  std::size_t most = kLayerOctets;
  if (::sasl_getprop(connection, SASL_MAXOUTBUF, &value) == SASL_OK && value != nullptr) {
    most = std::min<std::size_t>(most, *static_cast<const unsigned*>(value));
  }
  return std::max<std::size_t>(most, 1);
}

}  // namespace

SaslExchange::SaslExchange(const SaslSettings& settings, const Channel& channel, std::string local_domain)
    : settings_(settings),
      channel_(channel),
      names_(settings.names),
      callbacks_{{{SASL_CB_CANON_USER, as_callback(&SaslExchange::canon_user), this},
                  {SASL_CB_PROXY_POLICY, as_callback(&SaslExchange::proxy_policy), this},
                  {SASL_CB_LOG, as_callback(&SaslExchange::log_line), this},
                  {SASL_CB_LIST_END, nullptr, nullptr}}} {
  names_.local_domain = std::move(local_domain);
}

SaslExchange::~SaslExchange() {
  if (connection_ != nullptr) ::sasl_dispose(&connection_);
}

base::Result<std::unique_ptr<SaslExchange>> SaslExchange::create(const SaslSettings& settings, const Channel& channel,
                                                                 std::string local_domain) {
  std::unique_ptr<SaslExchange> exchange{new SaslExchange(settings, channel, std::move(local_domain))};
  if (auto opened = exchange->open(); !opened) return tl::unexpected(std::move(opened.error()));
  return exchange;
}

base::Result<void> SaslExchange::open() {
  for (const auto& [ip, port] :
       {std::pair{channel_.local_ip, channel_.local_port}, {channel_.peer_ip, channel_.peer_port}}) {
    if (!ip.empty() && !is_endpoint(ip, port))
      return base::fail(base::Errc::invalid, "SASL: bad address: " + endpoint(ip, port));
  }
  const auto local = endpoint(channel_.local_ip, channel_.local_port);
  const auto peer = endpoint(channel_.peer_ip, channel_.peer_port);
  // The realm stays open, as in the original: then names keep their form, and sasldb takes the server's name for it.
  int code = ::sasl_server_new(channel_.service.c_str(), settings_.server_name.c_str(), nullptr, or_null(local),
                               or_null(peer), callbacks_.data(), 0, &connection_);
  if (code != SASL_OK) return base::fail(base::Errc::io, "SASL: sasl_server_new: " + error_text(code));

  return describe_channel();
}

base::Result<void> SaslExchange::describe_channel() {
  const auto bits = static_cast<unsigned>(std::max(0, channel_.external_ssf));
  const sasl_ssf_t external = bits;
  sasl_security_properties_t properties{};
  if (channel_.layers) {
    // libsasl2 takes the bits of the channel off both bounds: under TLS there is rarely anything left to negotiate.
    properties.min_ssf = settings_.minimum_layer;
    properties.max_ssf = settings_.maximum_layer;
    properties.maxbufsize = kLayerOctets;
  }
  // Without layers both bounds are 0: libsasl2 refuses a minimum above the maximum even where the channel makes up for
  // it, so SaslSettings::too_weak holds the minimum.
  if (!settings_.plaintext_allowed(channel_)) properties.security_flags |= SASL_SEC_NOPLAINTEXT;
  if (!settings_.allow_anonymous) properties.security_flags |= SASL_SEC_NOANONYMOUS;

  int code = ::sasl_setprop(connection_, SASL_SSF_EXTERNAL, &external);
  if (code == SASL_OK) code = ::sasl_setprop(connection_, SASL_SEC_PROPS, &properties);
  if (code == SASL_OK && settings_.certificate_user(channel_)) {
    code = ::sasl_setprop(connection_, SASL_AUTH_EXTERNAL, channel_.certificate_name.c_str());
  }
  if (code != SASL_OK) return base::fail(base::Errc::io, "SASL: sasl_setprop: " + error_text(code));
  return {};
}

// libsasl2 2.1.28 writes the -PLUS forms into a list for which it has not counted them, and over its end. So it is
// asked before it hears of the binding (see bind_channel), and they are added here.
std::string SaslExchange::mechanisms() {
  if (settings_.too_weak(channel_)) return {};
  const char* list = nullptr;
  if (::sasl_listmech(connection_, nullptr, "", " ", "", &list, nullptr, nullptr) != SASL_OK) return {};
  std::string_view rest = list != nullptr ? list : "";
  std::string out;
  while (!(rest = base::ascii::trim(rest)).empty()) {
    const auto name = rest.substr(0, rest.find(' '));
    rest.remove_prefix(name.size());
    if (!out.empty()) out += ' ';
    if (!channel_.binding_type.empty() && is_scram(name)) out.append(name).append("-PLUS ");
    out += name;
  }
  return out;
}

/// For the start of an exchange; nothing may be listed behind it.
int SaslExchange::bind_channel() {
  if (channel_.binding_type.empty()) return SASL_OK;
  binding_.name = channel_.binding_type.c_str();
  binding_.data = reinterpret_cast<const unsigned char*>(channel_.binding.data());
  binding_.len = static_cast<unsigned long>(channel_.binding.size());
  return ::sasl_setprop(connection_, SASL_CHANNEL_BINDING, &binding_);
}

bool SaslExchange::stand_in(bool is_known) {
  // Where the password file is missing, nobody is known, and that is no fault of the client's.
  if (!hides_unknown_ || settings_.missing_password_file() || is_known) return false;
  stood_in_ = true;
  return true;
}

bool SaslExchange::offers(std::string_view mechanism) { return base::lists_realm(mechanisms(), mechanism); }

Exchange::Outcome SaslExchange::start(std::string_view mechanism, std::optional<base::Secret> initial_response) {
  if (std::exchange(used_, true)) return refuse(Refusal::Kind::bad_protocol, "second start of one exchange");
  if (!is_mechanism_name(mechanism)) return refuse(Refusal::Kind::no_mechanism, error_text(SASL_NOMECH));
  if (settings_.too_weak(channel_)) return refuse(Refusal::Kind::too_weak, error_text(SASL_TOOWEAK));
  if (initial_response && !is_acceptable_response(mechanism, initial_response->view())) {
    return refuse(Refusal::Kind::bad_protocol, error_text(SASL_BADPROT));
  }

  const auto call = offers(mechanism) ? SaslCall::offered : SaslCall::start;
  mechanism_ = mechanism;
  hides_unknown_ = is_shared_secret(mechanism);
  if (is_scram(mechanism)) {
    if (call != SaslCall::offered) return refuse(Refusal::Kind::no_mechanism, error_text(SASL_NOMECH));
    scram_begins_ = true;
    plus_offered_ = offers(mechanism_ + "-PLUS");
    if (const int code = bind_channel(); code != SASL_OK) return refuse(code, call);
  }
  if (initial_response) {
    if (auto objection = object_to_scram(initial_response->view())) return std::move(*objection);
  }
  const CString response{initial_response ? initial_response->view() : std::string_view{}};
  const char* challenge = nullptr;
  unsigned length = 0;
  const int code = ::sasl_server_start(connection_, mechanism_.c_str(), initial_response ? response.get() : nullptr,
                                       response.size(), &challenge, &length);
  return conclude(code, call, challenge, length);
}

Exchange::Outcome SaslExchange::step(base::Secret response) {
  if (mechanism_.empty()) return refuse(Refusal::Kind::bad_protocol, "response outside an exchange");
  if (!is_acceptable_response(mechanism_, response.view())) {
    return refuse(Refusal::Kind::bad_protocol, error_text(SASL_BADPROT));
  }
  if (auto objection = object_to_scram(response.view())) return std::move(*objection);
  cause_.clear();
  const CString text{response.view()};
  response.wipe();
  const char* challenge = nullptr;
  unsigned length = 0;
  const int code = ::sasl_server_step(connection_, text.get(), text.size(), &challenge, &length);
  return conclude(code, SaslCall::offered, challenge, length);
}

Exchange::Outcome SaslExchange::check_password(std::string_view user, base::Secret password) {
  if (std::exchange(used_, true)) return refuse(Refusal::Kind::bad_protocol, "second start of one exchange");
  if (!settings_.plaintext_allowed(channel_)) return refuse(Refusal::Kind::too_weak, error_text(SASL_ENCRYPT));

  auto rules = names_;
  rules.hierarchy_dot = settings_.hierarchy_dot;
  const auto name = canonical_name(user, rules);
  if (!name) return refuse(Refusal::Kind::credentials, "invalid user");
  authenticated_ = name->user;
  user_ = name->user;
  subfolder_ = name->subfolder;

  if (name->user == "anonymous") {
    if (!settings_.allow_anonymous) return refuse(Refusal::Kind::credentials, "anonymous login refused");
    Outcome outcome;
    outcome.identity.emplace(user_, subfolder_);
    return outcome;
  }
  // The back ends see a C string: what stands behind a NUL would not count, and an empty password is no password.
  const auto secret = password.view();
  if (secret.empty() || secret.size() > kMaxPasswordResponse || secret.find('\0') != std::string_view::npos) {
    return refuse(Refusal::Kind::credentials, "unusable password");
  }
  const CString text{secret};
  password.wipe();
  const int code =
      ::sasl_checkpass(connection_, user_.c_str(), static_cast<unsigned>(user_.size()), text.get(), text.size());
  return conclude(code, SaslCall::password, nullptr, 0);
}

std::optional<Exchange::Outcome> SaslExchange::object_to_scram(std::string_view message) {
  if (!std::exchange(scram_begins_, false)) return std::nullopt;
  const ScramOffer offer{mechanism_, channel_.binding_type, plus_offered_};
  const auto objection = scram_objection(message, offer);
  if (objection.empty()) return std::nullopt;
  return refuse(scram_header(message) ? Refusal::Kind::credentials : Refusal::Kind::bad_protocol,
                std::string{objection});
}

Exchange::Outcome SaslExchange::check_apop(std::string_view challenge, std::string_view user, std::string_view digest) {
  if (std::exchange(used_, true)) return refuse(Refusal::Kind::bad_protocol, "second start of one exchange");
  if (settings_.too_weak(channel_)) return refuse(Refusal::Kind::too_weak, error_text(SASL_TOOWEAK));
  const auto is_hex = [](char c) { return base::ascii::is_digit(c) || (c >= 'a' && c <= 'f'); };
  if (digest.size() != kApopDigits || !std::all_of(digest.begin(), digest.end(), is_hex)) {
    return refuse(Refusal::Kind::bad_protocol, error_text(SASL_BADPROT));
  }
  auto rules = names_;
  rules.hierarchy_dot = settings_.hierarchy_dot;
  const auto name = canonical_name(user, rules);
  if (!name || name->user == "anonymous") return refuse(Refusal::Kind::credentials, "invalid user");
  authenticated_ = name->user;
  user_ = name->user;
  subfolder_ = name->subfolder;
  hides_unknown_ = true;
  const CString shown{challenge};
  const CString response{user_ + " " + std::string{digest}};
  const int code = ::sasl_checkapop(connection_, shown.get(), shown.size(), response.get(), response.size());
  return conclude(code, SaslCall::password, nullptr, 0);
}

base::Result<std::string> SaslExchange::wrap(std::string_view plain) {
  std::string out;
  for (; !plain.empty(); plain.remove_prefix(std::min(plain.size(), layer_piece_))) {
    const auto piece = plain.substr(0, layer_piece_);
    const char* packet = nullptr;
    unsigned length = 0;
    const int code = ::sasl_encode(connection_, piece.data(), static_cast<unsigned>(piece.size()), &packet, &length);
    if (code != SASL_OK) return base::fail(base::Errc::io, "SASL: sasl_encode: " + error_text(code));
    out.append(packet, length);
  }
  return out;
}

base::Result<std::string> SaslExchange::unwrap(std::string_view arrived) {
  std::string out;
  for (; !arrived.empty(); arrived.remove_prefix(std::min<std::size_t>(arrived.size(), kLayerOctets))) {
    const auto piece = arrived.substr(0, kLayerOctets);
    const char* plain = nullptr;
    unsigned length = 0;
    const int code = ::sasl_decode(connection_, piece.data(), static_cast<unsigned>(piece.size()), &plain, &length);
    if (code != SASL_OK) return base::fail(base::Errc::invalid, "SASL: sasl_decode: " + error_text(code));
    if (plain != nullptr) out.append(plain, length);
  }
  return out;
}

base::Result<bool> SaslExchange::knows(std::string_view user) {
  const std::string text(user);
  const int code = ::sasl_user_exists(connection_, nullptr, nullptr, text.c_str());
  if (code == SASL_OK) return true;
  if (code == SASL_NOUSER) return false;
  const bool cannot_tell = code == SASL_NOVERIFY || code == SASL_NOMECH;
  return base::fail(cannot_tell ? base::Errc::unsupported : base::Errc::io,
                    "SASL: whether there is a user " + text + ": " + ::sasl_errstring(code, nullptr, nullptr));
}

Exchange::Outcome SaslExchange::conclude(int code, SaslCall call, const char* challenge, unsigned challenge_length) {
  if (code == SASL_CONTINUE) {
    Outcome outcome;
    outcome.challenge.emplace(challenge != nullptr ? challenge : "", challenge != nullptr ? challenge_length : 0);
    return outcome;
  }
  if (code != SASL_OK) return refuse(code, call);
  return welcome(call);
}

Exchange::Outcome SaslExchange::welcome(SaslCall call) {
  if (stood_in_) return refuse(SASL_NOUSER, call);  // somebody guessed 256 bits
  const auto user = property(connection_, SASL_USERNAME);
  const auto authenticated = property(connection_, SASL_AUTHUSER);
  // A canon_user_plugin has its say after ours, so the result is checked like any name.
  const auto final_name =
      user == user_ ? base::Result<UserName>{UserName{user_, subfolder_}} : canonical_name(user, names_);
  if (!final_name) return refuse(Refusal::Kind::credentials, "bad userid authenticated");
  if (final_name->user == "anonymous" && !settings_.allow_anonymous) {
    return refuse(Refusal::Kind::credentials, "anonymous login refused");
  }
  mechanism_.clear();
  layer_piece_ = negotiated_layer(connection_);
  Outcome outcome;
  outcome.identity.emplace(final_name->user, final_name->subfolder.empty() ? subfolder_ : final_name->subfolder);
  if (!authenticated.empty()) outcome.identity->authenticated_as = authenticated;
  outcome.identity->admin =
      call == SaslCall::offered &&
      base::lists_user(settings_.admins, outcome.identity->authenticated_as, settings_.unix_groups);
  return outcome;
}

Exchange::Outcome SaslExchange::refuse(int code, SaslCall call) {
  if (stood_in_ && code == SASL_BADAUTH) code = SASL_NOUSER;  // for the log
  auto kind = refusal_kind(code, call);
  if (kind == Refusal::Kind::credentials && saslauthd_trouble_) kind = Refusal::Kind::temporary;
  if (kind == Refusal::Kind::credentials) {
    // Looked for after a wrong password too, which must not take less time.
    const auto missing = settings_.missing_password_file();
    if (missing && code == SASL_NOUSER) {
      kind = Refusal::Kind::temporary;
      cause_ = *missing + ": No such file or directory";
    }
  }
  // The original logs the long text for PASS and the short one for AUTH; filters of banning tools know both.
  std::string reason = call == SaslCall::password ? ::sasl_errdetail(connection_) : error_text(code);
  if (kind == Refusal::Kind::temporary && !cause_.empty()) reason += ": " + cause_;
  return refuse(kind, std::move(reason));
}

Exchange::Outcome SaslExchange::refuse(Refusal::Kind kind, std::string reason) {
  mechanism_.clear();
  Outcome outcome;
  outcome.refusal.emplace(kind, std::move(reason));
  outcome.refusal->user = authenticated_;
  return outcome;
}

int SaslExchange::on_canon_user(std::string_view typed, unsigned flags, char* out, unsigned room, unsigned* length) {
  const bool known = !typed.empty() && (typed == authenticated_ || typed == user_);
  std::string name{typed};
  std::string folder = subfolder_;
  if (!known) {
    auto canonical = canonical_name(typed, names_);
    if (!canonical) {
      ::sasl_seterror(connection_, 0, "%s", "bad userid authenticated");
      return SASL_BADAUTH;
    }
    name = std::move(canonical->user);
    folder = std::move(canonical->subfolder);
  }
  if (name.size() >= room) return SASL_BADAUTH;
  if ((flags & SASL_CU_AUTHID) != 0) authenticated_ = name;
  if ((flags & SASL_CU_AUTHZID) != 0) {
    user_ = name;
    subfolder_ = std::move(folder);
  }
  std::memcpy(out, name.c_str(), name.size() + 1);  // `typed` may be the same buffer: it is not used any more
  *length = static_cast<unsigned>(name.size());
  return SASL_OK;
}

int SaslExchange::on_proxy_policy(const std::string& user, const std::string& authenticated) {
  if (!realm_may_log_in(authenticated, settings_)) {
    ::sasl_seterror(connection_, 0, "cross-realm login %s denied", authenticated.c_str());
    return SASL_BADAUTH;
  }
  if (user == authenticated) return SASL_OK;
  if (base::lists_user(settings_.admins, authenticated, settings_.unix_groups) ||
      base::lists_user(settings_.proxy_servers, authenticated, settings_.unix_groups)) {
    return SASL_OK;
  }
  ::sasl_seterror(connection_, 0, "user %s is not allowed to proxy", authenticated.c_str());
  return SASL_BADAUTH;
}

void SaslExchange::on_log(int level, const char* message) {
  if (message == nullptr) return;
  const std::string_view line = std::string_view{message}.substr(0, kMaxLogText);
  if (level == SASL_LOG_ERR || level == SASL_LOG_FAIL) {
    if (cause_.empty()) cause_ = line;
    if (tells_of_saslauthd_trouble(line)) saslauthd_trouble_ = true;
  }
  log_sasl_line(settings_, level, line);
}

int SaslExchange::canon_user(sasl_conn_t*, void* self, const char* user, unsigned length, unsigned flags, const char*,
                             char* out, unsigned room, unsigned* out_length) noexcept {
  if (self == nullptr || user == nullptr || out == nullptr || out_length == nullptr) return SASL_BADPARAM;
  return static_cast<SaslExchange*>(self)->on_canon_user({user, length}, flags, out, room, out_length);
}

int SaslExchange::proxy_policy(sasl_conn_t*, void* self, const char* user, unsigned user_length,
                               const char* authenticated, unsigned authenticated_length, const char*, unsigned,
                               propctx*) noexcept {
  if (self == nullptr || user == nullptr || authenticated == nullptr) return SASL_BADPARAM;
  return static_cast<SaslExchange*>(self)->on_proxy_policy({user, user_length}, {authenticated, authenticated_length});
}

int SaslExchange::log_line(void* self, int level, const char* message) noexcept {
  if (self != nullptr) static_cast<SaslExchange*>(self)->on_log(level, message);
  return SASL_OK;
}

}  // namespace auth

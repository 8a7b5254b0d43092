#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/imapd_conf.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace auth {

/// What libsasl2 must know of the connection.
struct Channel {
  std::string service = "pop";  ///< SASL's name of the protocol (RFC 4422 s4): back ends may know users by it
  std::string local_ip;         ///< empty: Unix socket
  unsigned local_port = 0;
  std::string peer_ip;
  unsigned peer_port = 0;
  int external_ssf = 0;  ///< bits of the TLS layer, or what -p says
  bool tls = false;
  std::string binding_type;  ///< name of the channel binding (RFC 5056), "tls-exporter"; empty: there is none
  std::string binding;       ///< its octets
  /// Who the client is by its certificate, which was verified; empty: nobody. EXTERNAL is offered for it.
  std::string certificate_name;
  bool layers = false;  ///< the caller can switch on a security layer of SASL's own (RFC 4422 s3.7)
};

/// Why a login was refused. The text of `reason` is for the log only.
struct Refusal {
  enum class Kind {
    credentials,   ///< wrong password, unknown user, no right to act for another: all look alike to the client
    no_mechanism,  ///< "no mechanism available"
    too_weak,      ///< "encryption needed to use mechanism"
    bad_protocol,  ///< "bad protocol / cancel": undecodable or malformed response
    temporary,     ///< a back end did not answer: [SYS/TEMP], never a pause
  };
  Kind kind;
  std::string reason;  ///< what "badlogin:" shows in brackets; a temporary one says which back end failed and how
  std::string user;    ///< authentication id as far as it got known, canonical, for the log; else empty

  Refusal(Kind refusal_kind, std::string text) : kind(refusal_kind), reason(std::move(text)) {}
};

/// Who logged in.
struct Identity {
  std::string user;              ///< authorisation id, canonical: whose maildrop is opened
  std::string subfolder;         ///< after '+' with popsubfolders, else empty
  std::string authenticated_as;  ///< whose password it was: `user`, or one of admins and proxyservers
  bool admin = false;            ///< `authenticated_as` is one of admins; told for AUTH only

  Identity(std::string user_id, std::string folder)
      : user(std::move(user_id)), subfolder(std::move(folder)), authenticated_as(user) {}
};

/// One exchange of AUTH, or one password check. Every call may block: run on the authentication pool, one at a time.
///
/// Good for one attempt: after an identity or a refusal, begin a new one. Must not outlive its Authenticator.
///
/// Two traps of libsasl2 2.1.28: it waits for saslauthd without a time limit, so the caller must stop waiting while the
/// call goes on; and it loses a descriptor each time saslauthd hangs up before it answered. The process must ignore
/// SIGPIPE: libsasl2 writes to sockets of its own.
class Exchange {
 public:
  virtual ~Exchange() = default;

  /// A challenge to send (not yet base64), or the identity, or a refusal.
  struct Outcome {
    std::optional<std::string> challenge;
    std::optional<Identity> identity;
    std::optional<Refusal> refusal;
    Outcome() = default;
  };

  /// `initial_response` decoded; nullopt when the client gave none.
  virtual Outcome start(std::string_view mechanism, std::optional<base::Secret> initial_response) = 0;
  virtual Outcome step(base::Secret response) = 0;
  /// USER and PASS. Canonicalises `user` (see user_name.hpp, with the dot rule of USER). "anonymous" needs no password,
  /// but allowanonymouslogin.
  virtual Outcome check_password(std::string_view user, base::Secret password) = 0;
  /// APOP (RFC 1939 s7): `digest` is 32 hex digits of MD5 over `challenge` and the password. Canonicalises `user`.
  virtual Outcome check_apop(std::string_view challenge, std::string_view user, std::string_view digest) = 0;
  /// True behind an identity when a security layer was negotiated: all octets that follow our +OK, and the client's
  /// last response, go through wrap() and unwrap(). Neither blocks.
  virtual bool has_layer() const = 0;
  /// What to send for `plain`. Errors: io.
  virtual base::Result<std::string> wrap(std::string_view plain) = 0;
  /// What is complete of the octets that arrived; the rest is kept. Errors: invalid (forged, damaged or too long).
  virtual base::Result<std::string> unwrap(std::string_view arrived) = 0;
  /// Whether the password database has a canonical userid, for deliveries; says nothing of a client. Errors:
  /// unsupported (sasl_pwcheck_method names none that can tell, such as saslauthd alone); io.
  virtual base::Result<bool> knows(std::string_view user) = 0;
};

/// libsasl2, initialised once per process: mutexes first, then sasl_server_init, with every sasl_* key of imapd.conf
/// served to it. One object per process (libsasl2 keeps global state); thread-safe.
class Authenticator {
 public:
  /// Errors: invalid (sasl_maximum_layer below sasl_minimum_layer, what libsasl2 says), io; busy (there is one
  /// already). `log` and `conf` must outlive the object.
  static base::Result<std::unique_ptr<Authenticator>> create(const config::ImapdConf& conf, const base::Log& log);
  ~Authenticator();

  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;

  /// A new exchange. Blocks (plugins may read files, `virtdomains: on` asks the resolver): run on the authentication
  /// pool. Errors: invalid (an address that is none); io.
  base::Result<std::unique_ptr<Exchange>> begin(const Channel& channel);

  /// "PLAIN LOGIN": what AUTH offers on a channel of that strength; empty when nothing. Computed once per kind of
  /// channel; the first call may block.
  std::string mechanisms(const Channel& channel);

  /// A challenge for the greeting, "<random.time@servername>": 128 bits that nobody can guess and no two have in
  /// common. Empty when APOP is not to be offered: allowapop is off, libsasl2 was built without it, or no plug-in could
  /// give it a password. Does not block.
  std::string apop_challenge() const;

 private:
  struct State;
  explicit Authenticator(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace auth

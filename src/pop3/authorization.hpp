#pragma once

#include "pop3/command.hpp"
#include "pop3/reply.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace pop3 {

/// The longest user name, without subfolder, and the longest argument of USER, with it. Cyrus's bounds.
inline constexpr std::size_t kMaxUserOctets = 80;
inline constexpr std::size_t kMaxUserArgumentOctets = 1023;

/// What the AUTHORIZATION state depends on, as it is now on this connection.
struct LoginRules {
  bool tls_active = false;
  bool stls_offered = false;     ///< a certificate is configured, STLS is allowed
  bool tls_required = false;     ///< option tls_required
  bool allow_plaintext = false;  ///< option allowplaintext
  int external_ssf = 0;          ///< -p; above 1 counts as a layer
  bool apop_offered = false;     ///< a challenge was in the greeting
  bool hierarchy_dot = false;    ///< unixhierarchysep off: '.' is no letter of a name
  bool virtual_domains = false;  ///< then '.' is fine right of '@'
  bool subfolders = false;       ///< option popsubfolders: from '+' on (to '@', with virtual domains) it is a folder
};

/// True when tls_required stands and the handshake has not been made. A layer that -p promises does not lift it.
bool lacks_required_tls(const LoginRules& rules);

/// True when a password may cross the wire: what USER and the USER capability depend on.
bool allows_user(const LoginRules& rules);

/// What the session must do for a command of the AUTHORIZATION state.
struct RefuseName {
  std::string typed;  ///< what USER was given, any octets: for the log
  Line reply;
};
struct CheckPassword {
  std::string user;  ///< as the client typed it, trailing blanks removed; not canonical
  base::Secret password;
};
struct CheckApop {
  std::string user;  ///< as the client typed it
  std::string digest;
};
struct StartSasl {
  std::string mechanism;                        ///< as typed: any octets but white space
  std::optional<std::string> initial_response;  ///< see Auth
};
struct ListMechanisms {};
struct StartTls {};
using AuthorizationStep = std::variant<Line, RefuseName, CheckPassword, CheckApop, StartSasl, ListMechanisms, StartTls>;

/// The AUTHORIZATION state (RFC 1939 s4): remembers the USER that waits for its PASS.
class Authorization {
 public:
  /// For every command of this state but QUIT and CAPA; any other gets "-ERR Unrecognized command".
  ///
  /// CheckPassword takes the pending user with it, whoever refuses afterwards: the next USER is welcome. StartTls has
  /// already forgotten it (RFC 2595 s4).
  AuthorizationStep step(Command command, const LoginRules& rules);

  /// Forgets everything said in clear text (after STLS, RFC 2595 s4) or a failed attempt.
  void reset() { pending_user_.reset(); }

  /// The pending USER, for logs: octets 0x20..0x7E only.
  const std::optional<std::string>& pending_user() const { return pending_user_; }

 private:
  AuthorizationStep user(std::string name, const LoginRules& rules);
  AuthorizationStep pass(base::Secret password);
  AuthorizationStep apop(Apop command, const LoginRules& rules);
  AuthorizationStep stls(const LoginRules& rules);

  std::optional<std::string> pending_user_;
};

/// "-ERR ..." for a failed USER/PASS or AUTH. `detail` as in "authenticating: authentication failure".
Line login_failed();
Line sasl_failed(std::string_view detail);

/// For a login that nobody could judge, because a back end did not answer (RFC 3206 s4). Worded so that clients which
/// look for words, not codes, don't blame the password.
Line login_unavailable();

}  // namespace pop3

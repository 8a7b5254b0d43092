#pragma once

#include "pop3/command.hpp"
#include "pop3/reply.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace pop3 {

/// What the AUTHORIZATION state depends on, as it is now on this connection.
struct LoginRules {
  bool tls_active = false;
  bool stls_offered = false;       ///< a certificate is configured, STLS is allowed
  bool tls_required = false;       ///< option tls_required
  bool allow_plaintext = false;    ///< option allowplaintext
  int external_ssf = 0;            ///< -p; above 1 counts as a layer
  bool apop_offered = false;       ///< a challenge was in the greeting
  bool hierarchy_dot = false;      ///< unixhierarchysep off: '.' is no letter of a name
  bool virtual_domains = false;    ///< then '.' is fine right of '@'
};

/// What the session must do for a command of the AUTHORIZATION state.
struct CheckPassword { std::string user; base::Secret password; };
struct StartSasl { std::string mechanism; std::optional<std::string> initial_response; };
struct ListMechanisms {};
struct StartTls {};
using AuthorizationStep = std::variant<Line, CheckPassword, StartSasl, ListMechanisms, StartTls>;

/// The AUTHORIZATION state (RFC 1939 s4): remembers the USER that waits for its PASS.
class Authorization {
 public:
  /// For every command of this state but QUIT and CAPA.
  AuthorizationStep step(Command command, const LoginRules& rules);

  /// Forgets everything said in clear text (after STLS, RFC 2595 s4) or a failed attempt.
  void reset();

  /// The pending USER, for logs.
  const std::optional<std::string>& pending_user() const;
};

/// "-ERR ..." for a failed USER/PASS or AUTH. `detail` as in "authenticating: authentication failure".
Line login_failed();
Line sasl_failed(std::string_view detail);

}  // namespace pop3

#include "auth/sasl_result.hpp"

#include <sasl/sasl.h>

#include <algorithm>
#include <array>

namespace auth {

Refusal::Kind refusal_kind(int code, SaslCall call) {
  using Kind = Refusal::Kind;
  switch (code) {
    case SASL_NOMECH:
    case SASL_WRONGMECH:
      // A mechanism that we offer, or a password check, lacks its verifier: the administrator must act, not the user.
      return call == SaslCall::start ? Kind::no_mechanism : Kind::temporary;
    case SASL_ENCRYPT:
    case SASL_TOOWEAK:
      return Kind::too_weak;
    case SASL_BADPROT:
    case SASL_BADPARAM:
    case SASL_BADMAC:
    case SASL_INTERACT:
      return Kind::bad_protocol;
    case SASL_FAIL:
    case SASL_NOMEM:
    case SASL_BUFOVER:  // from a back end: our own bounds on names and responses are tighter
    case SASL_NOTDONE:
    case SASL_TRYAGAIN:
    case SASL_NOTINIT:
    case SASL_BADVERS:
    case SASL_UNAVAIL:
    case SASL_CONFIGERR:
      return Kind::temporary;
    default:
      return Kind::credentials;
  }
}

bool tells_of_saslauthd_trouble(std::string_view line) {
  constexpr std::array<std::string_view, 6> kBeginnings = {
      "cannot connect to saslauthd server",
      "cannot create socket for saslauthd",
      "bad response from saslauthd",
      "size read failed",
      "read failed",
      "write failed",
  };
  return std::any_of(kBeginnings.begin(), kBeginnings.end(),
                     [line](std::string_view start) { return line.substr(0, start.size()) == start; });
}

}  // namespace auth

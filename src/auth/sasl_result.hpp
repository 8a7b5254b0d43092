#pragma once

#include "auth/authenticator.hpp"

#include <string_view>

/// What the numbers of libsasl2 mean for a login.
namespace auth {

/// Where a number came from.
enum class SaslCall {
  start,    ///< sasl_server_start with a mechanism that is not offered on this channel
  offered,  ///< sasl_server_start or _step with one that is
  password  ///< sasl_checkpass
};

/// The kind of refusal behind a `code` that is neither SASL_OK nor SASL_CONTINUE.
///
/// libsasl2 2.1.28 was asked: saslauthd that does not answer is SASL_FAIL, a damaged or unreadable sasldb is SASL_FAIL,
/// a pwcheck_method or auxprop_plugin that does not exist is SASL_NOMECH. A sasldb that is *missing* is SASL_NOUSER
/// without a word in the log: see SaslSettings::missing_password_file.
Refusal::Kind refusal_kind(int code, SaslCall call);

/// True for the log lines of libsasl2 that say that saslauthd could not be asked. With `pwcheck_method: saslauthd
/// auxprop` the last method decides the code, so a saslauthd that is down looks like a wrong password but for these.
bool tells_of_saslauthd_trouble(std::string_view line);

}  // namespace auth

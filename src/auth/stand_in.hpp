#pragma once

#include "base/result.hpp"

#include <string>

namespace auth {

/// Adds a plug-in to libsasl2 that gives `password`, which nobody can guess, to every user whom nobody else knows. It
/// is asked during an exchange of shared secrets only (SaslExchange::stand_in), which
/// then fails as with a wrong password: as late, and after the same work. Without it libsasl2 refuses an unknown user
/// at SCRAM's first message, where a known one is sent a challenge: anybody could ask who has an account.
///
/// Call behind sasl_server_init. What it returns is what option auxprop_plugin must say to libsasl2 from now on: the
/// plug-ins that were asked so far, and ours behind them. Empty: no plug-in could be asked, so nobody stands in.
/// Errors: io.
base::Result<std::string> add_stand_in(std::string password);

}  // namespace auth
